-- wrk posts one prepared MCP request again and again, each time with another id: within a session no two requests
-- under way may have the same one.
-- Arguments after `--`: the file with the body, then headers as Name:value.
local IDS = 1024
local threads = 0
local at = 0

function setup(thread)
    thread:set("first_id", 1 + threads * IDS)
    threads = threads + 1
end

function init(args)
    local file = assert(io.open(args[1], "rb"))
    local body = file:read("*a")
    file:close()
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Accept"] = "application/json, text/event-stream"
    for i = 2, #args do
        local name, value = args[i]:match("^([^:]+):(.*)$")
        wrk.headers[name] = value
    end
    prepared = {}
    for i = 1, IDS do
        local numbered, found = body:gsub('"id": ?%d+', string.format('"id": %d', first_id + i), 1)
        assert(found == 1, "the body has no numeric id")
        prepared[i] = wrk.format(nil, nil, nil, numbered)
    end
end

function request()
    at = at % IDS + 1
    return prepared[at]
end
