-- For wrk: pushes small documents as forms, or asks for those of one tag (argument "push" or "query").
local boundary = "benchbenchbench"
local number = 0
local kind = "push"

function init(arguments)
  kind = arguments[1] or kind
end

local function field(name, value)
  return "--" .. boundary .. "\r\nContent-Disposition: form-data; name=\"" .. name .. "\"\r\n\r\n" .. value .. "\r\n"
end

function request()
  number = number + 1
  if kind == "query" then
    return wrk.format("GET", "/documents?limit=20&tags=group" .. number % 100)
  end
  local body = field("tags", "finding,group" .. number % 100)
    .. field("metadata", "{\"description\": \"finding " .. number % 1000 .. "\"}")
    .. "--" .. boundary .. "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"finding-" .. number
    .. ".md\"\r\nContent-Type: text/markdown\r\n\r\n# Finding " .. number .. "\n" .. string.rep("x", 400)
    .. "\r\n--" .. boundary .. "--\r\n"
  return wrk.format("POST", "/documents", {["Content-Type"] = "multipart/form-data; boundary=" .. boundary}, body)
end
