"""What the chart is made and judged with: Helm, and the programs that GitOps tools use to read an object's health.

Here lives which programs there are (`programs`), and what of charts/ and deploy/ is made from elsewhere (`generated`).
The programs come from the go.mod beside this file, like the control plane's.
"""
