-- The load: one GET over and over, and what became of it as one line of JSON.
init = function()
    wrk.headers["Authorization"] = "Bearer @TOKEN@"
end

done = function(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        'RESULT {"calls": %d, "microseconds": %d, "p50_us": %d, "p99_us": %d, "failures": %d}\n',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
        errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
