"""An emulator of the image export and import APIs of cloud vendors, over HTTP, with real signatures and real bytes."""
