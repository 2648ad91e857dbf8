#!/usr/bin/env python3
"""canary_worker.py GATE: a provider that repeats every secret it is told, in
each place where a worker can say something. It is told one in the config of
each call and asks for another, the plugin's own `token`. `throws` in a config
names the verb that fails. Commands: `hold` waits for the pipe GATE, `die` ends
the worker, anything else does nothing."""
import json, sys

GATE = sys.argv[1]
leases = []
tokens = []


def send(**message):
    print(json.dumps({"jsonrpc": "2.0", **message}), flush=True)


def receive():
    line = sys.stdin.readline()
    if not line:
        sys.exit(0)
    return json.loads(line)


waiting = []  # Calls that came while an answer was waited for.


def ask(method, scope, params):
    send(id="question", method=method, params=params,
         paperclipInvocationId=scope)
    while (said := receive()).get("id") != "question":
        waiting.append(said)
    return said.get("result")


def told(config, scope):
    """Every secret that this call gives away, in one text."""
    own = ask("config.get", scope, {})
    if not tokens:  # No more often than it may.
        token = ask("secrets.resolve", scope, {
            "secretRef": own["token"], "companyId": "default"})
        tokens.extend([token] if token else [])
    given = config.get("apiKey") or config.get("auth", {}).get("token")
    return " ".join([str(given), *tokens])


def repeat(words, scope):
    print(f"stderr: {words}", file=sys.stderr, flush=True)
    for level in ("debug", "info", "warn", "error"):
        send(method="log", params={"level": level, "message": words,
                                   "meta": {words: words}})
    ask("metrics.write", scope, {"name": words, "value": 1,
                                 "tags": {words: words}})
    ask(f"no such method {words}", scope, {words: words})
    send(method=f"no such notification {words}", params={words: words})
    print(f"this is no JSON: {words}", flush=True)
    send(id=4711, error={"code": -1, "message": words})


def answer(method, params, words):
    echo = {"echo": {words: [words, {"deeper": f"<{words}>"}]}, "plain": words}
    if method == "environmentValidateConfig":
        return {"ok": params["config"].get("throws") != "validate",
                "errors": [words], "warnings": [words],
                "normalizedConfig": {**params["config"], **echo}}
    if method == "environmentProbe":
        return {"ok": params["config"].get("throws") != "probe",
                "summary": words, "metadata": echo,
                "diagnostics": [{"severity": "warning", "code": words,
                                 "message": words, "details": echo}]}
    if method == "environmentAcquireLease":
        leases.append(f"cage-{len(leases)}")
        return {"providerLeaseId": leases[-1], "metadata": echo, "more": echo}
    if method == "environmentResumeLease":
        return {"providerLeaseId": params["providerLeaseId"], "metadata": echo}
    if method == "environmentRealizeWorkspace":
        return {"cwd": "/", "metadata": echo}
    if method == "environmentExecute":
        if params["command"] == "die":
            sys.exit(3)
        if params["command"] == "hold":
            with open(GATE) as gate:
                gate.read()
        return {"exitCode": 0, "timedOut": False, "stdout": "", "stderr": "",
                "metadata": echo}
    return echo


def serve(call):
    method, params = call["method"], call.get("params", {})
    if method == "initialize":
        return send(id=call["id"], result={"ok": True, "supportedMethods": [
            f"environment{verb}" for verb in (
                "ValidateConfig", "Probe", "AcquireLease", "ResumeLease",
                "ReleaseLease", "DestroyLease", "RealizeWorkspace",
                "Execute")]})
    if not method.startswith("environment"):
        return send(id=call["id"], result={"status": "ok"})
    scope = call.get("paperclipInvocation", {}).get("id")
    config = params.get("config", {})
    words = told(config, scope)
    repeat(words, scope)
    throws = config.get("throws", "-")
    if method.startswith(f"environment{throws}"):
        return send(id=call["id"], error={"code": -32002, "message":
                                          f"refused with {words}",
                                          "data": {words: words}})
    send(id=call["id"], result=answer(method, params, words))


while True:
    call = waiting.pop(0) if waiting else receive()
    if "method" in call:
        serve(call)
