-- wrk posts one prepared MCP request again and again.
-- Arguments after `--`: the file with the body, then headers as Name:value.
function init(args)
    local file = assert(io.open(args[1], "rb"))
    wrk.method = "POST"
    wrk.body = file:read("*a")
    file:close()
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Accept"] = "application/json, text/event-stream"
    for i = 2, #args do
        local name, value = args[i]:match("^([^:]+):(.*)$")
        wrk.headers[name] = value
    end
    prepared = wrk.format()
end

function request()
    return prepared
end
