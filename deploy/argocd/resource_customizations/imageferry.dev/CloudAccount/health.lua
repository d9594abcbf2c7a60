-- The health of CloudAccounts, ImageExports and ImageImports, by their conditions: Stalled is Degraded, Reconciling is
-- Progressing, Ready is Healthy. A wait that no work ends, suspended by a person or until the cloud's weekly quota is there
-- again, is Suspended. No library of Lua is used: Argo CD opens neither string nor math to the scripts of its users.
local waits = { Suspended = true, WeeklyQuotaExceeded = true }

if obj.metadata.deletionTimestamp ~= nil then
  return { status = "Progressing", message = "Being deleted" }
end
local status = obj.status
if status == nil or status.conditions == nil then
  return { status = "Progressing", message = "Not seen by the operator yet" }
end
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "The latest edit was not seen by the operator yet" }
end

local ready, working, stuck
for _, condition in ipairs(status.conditions) do
  if condition.type == "Ready" then
    ready = condition
  elseif condition.type == "Reconciling" and condition.status == "True" then
    working = condition
  elseif condition.type == "Stalled" and condition.status == "True" then
    stuck = condition
  end
end

local function say(health, condition, progress)
  local message = condition.reason
  if condition.message ~= nil and condition.message ~= "" then
    message = message .. ": " .. condition.message
  end
  return { status = health, message = progress .. message }
end

if stuck ~= nil then
  return say("Degraded", stuck, "")
end
if working ~= nil then
  if waits[working.reason] then
    return say("Suspended", working, "")
  end
  local percent = status.progress ~= nil and status.progress.percent or nil
  return say("Progressing", working, percent ~= nil and percent .. " % " or "")
end
if ready ~= nil then
  return say(ready.status == "True" and "Healthy" or "Progressing", ready, "")
end
return { status = "Progressing", message = "Not judged by the operator yet" }
