#!/usr/bin/env python3
"""wrong_worker.py MODE ROOT WORKER: the Python worker of docs/, but for one
thing that MODE makes wrong, so that a test can see which check finds it."""
import importlib.util, os, sys

MODE, ROOT, WORKER = sys.argv[1:4]
sys.argv[1] = ROOT
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("python_worker", WORKER)
right = importlib.util.module_from_spec(spec)
spec.loader.exec_module(right)
send, methods = right.send, right.METHODS


def altered(method, change):
    """Has `method` answer what `change` makes of its answer."""
    was = methods[method]
    methods[method] = lambda params, call: change(was(params, call), params)


def refuse_if(method, is_wrong):
    was = methods[method]

    def wrong(params, call):
        if is_wrong(params):
            raise ValueError(f"{MODE}: not so")
        return was(params, call)
    methods[method] = wrong


def there(params):
    return params["providerLeaseId"] in os.listdir(ROOT)


def given(**others):
    """Has commands get these parameters whatever the host says."""
    was = methods["environmentExecute"]
    methods["environmentExecute"] = (
        lambda params, call: was({**params, **others}, call))


if MODE == "prints":
    altered("health", lambda x, _: right.HOST.write("still here\n") and x)
elif MODE == "answers-twice":
    def twice(**message):
        send(**message)
        if "result" in message:
            send(**message)
    right.send = twice
elif MODE == "unknown-ids":
    altered("health", lambda x, _: send(id=4711, result={}) or x)
elif MODE == "any-method":
    class Any(dict):
        def __contains__(self, key):
            return True

        def __missing__(self, key):
            return lambda *_: {}
    right.METHODS = Any(methods)
elif MODE == "needs-home":
    os.environ["HOME"]
elif MODE == "not-ok":
    methods["initialize"] = lambda *_: {"ok": False}
elif MODE == "lists-twice":
    altered("initialize", lambda x, _: {
        "ok": True, "supportedMethods": x["supportedMethods"] * 2})
elif MODE == "lacks-destroy":
    altered("initialize", lambda x, _: {"ok": True, "supportedMethods": [
        y for y in x["supportedMethods"] if "Destroy" not in y]})
elif MODE == "crashes-on-garbage":
    def loads(line, was=right.json.loads):
        try:
            return was(line)
        except ValueError:
            print("that was no JSON", file=sys.stderr, flush=True)
            os._exit(3)
    right.json.loads = loads
elif MODE == "takes-anything":
    def lenient(params, call, was=right.execute):
        if not isinstance(params["lease"], dict):
            return {"exitCode": 0, "timedOut": False, "stdout": "",
                    "stderr": ""}
        return was(params, call)
    methods["environmentExecute"] = lenient
elif MODE == "sick":
    methods["health"] = lambda *_: {"status": "error", "message": "no disk"}
elif MODE == "eof-code":
    right.os = type("os", (), {**vars(os), "_exit": lambda _: os._exit(4)})
elif MODE == "no-shutdown":
    methods.pop("shutdown")
elif MODE == "acquires-null":
    altered("environmentAcquireLease", lambda *_: {"providerLeaseId": None})
elif MODE == "strict-fields":
    refuse_if("environmentAcquireLease", lambda x: "leaseholdCheck" in x)
elif MODE == "shares-leases":
    methods["environmentAcquireLease"] = lambda *_: right.acquire(
        {"leaseId": "00000000-0000-4000-8000-000000000000"}, {})
elif MODE == "resume-makes-new":
    altered("environmentResumeLease", lambda x, params: x if there(params)
            else methods["environmentAcquireLease"]({}, {}))
elif MODE == "releases-once":
    refuse_if("environmentReleaseLease", lambda x: not there(x))
elif MODE == "destroys-once":
    refuse_if("environmentDestroyLease", lambda x: not there(x))
elif MODE == "lists-nothing":
    altered("environmentListLeases", lambda *_: {"leases": []})
elif MODE == "no-cwd":
    altered("environmentRealizeWorkspace", lambda *_: {"metadata": {}})
elif MODE == "ignores-stdin":
    given(stdin="")
elif MODE == "ignores-cwd":
    given(cwd=None)
elif MODE == "ignores-env":
    given(env={})
elif MODE == "merges-output":
    altered("environmentExecute", lambda x, _: {
        **x, "stdout": x["stdout"] + x["stderr"], "stderr": ""})
elif MODE == "always-zero":
    def zero(params, call, was=right.execute):
        right.path_of(params["lease"]["providerLeaseId"])
        try:
            out = was(params, call)
        except FileNotFoundError as why:
            out = {"exitCode": 127, "timedOut": False, "stdout": "",
                   "stderr": str(why)}
        return {**out, "exitCode": out["exitCode"] and 0}
    methods["environmentExecute"] = zero
elif MODE == "timeout-code":
    altered("environmentExecute", lambda x, _: {**x, "exitCode": 124}
            if x["timedOut"] else x)
elif MODE == "kills-one":
    right.os = type("os", (), {**vars(os), "killpg": os.kill})
elif MODE == "log-without-scope":
    def unscoped(**message):
        message.pop("paperclipInvocationId", None)
        send(**message)
    right.send = unscoped
elif MODE == "log-differs":
    def upper(**message):
        if "chunk" in message.get("params", {}):
            message["params"]["chunk"] = message["params"]["chunk"].upper()
        send(**message)
    right.send = upper
elif MODE == "short-lines":
    def short(line, was=right.json.loads):
        if len(line) > 1 << 22:
            os._exit(5)
        return was(line)
    right.json.loads = short
elif MODE != "none":
    sys.exit(f"there is no mode {MODE}")

right.main()
