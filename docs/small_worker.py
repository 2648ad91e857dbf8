#!/usr/bin/env python3
"""small_worker.py ROOT: the least that a provider needs. Its sandboxes are
directories below ROOT. python_worker.py streams output and lists leases, too."""
import contextlib, json, os, shutil, subprocess, sys, tempfile, threading, uuid

ROOT, RUNNING = os.path.abspath(sys.argv[1]), {}
os.makedirs(ROOT, exist_ok=True)
HOST = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)  # Whoever prints, prints to standard error.

def known(params):
    lease = params.get("lease", params)["providerLeaseId"]
    return lease if lease in os.listdir(ROOT) else None

def kill(groups):
    for group in groups:
        with contextlib.suppress(ProcessLookupError):  # Nobody of it is left.
            os.killpg(group, 9)

def acquire(params):  # Asked again with the same leaseId, it is the same one.
    lease = str(uuid.UUID(params.get("leaseId") or uuid.uuid4().hex))
    os.makedirs(os.path.join(ROOT, lease), exist_ok=True)
    return {"providerLeaseId": lease, "metadata": {}}

def destroy(params):
    name = params["providerLeaseId"]
    kill([group for group, lease in list(RUNNING.items()) if lease == name])
    if known(params):
        shutil.rmtree(os.path.join(ROOT, name))

def realize(params):
    cwd = os.path.join(ROOT, known(params))
    if source := params["workspace"].get("localPath"):
        shutil.copytree(source, cwd, symlinks=True, dirs_exist_ok=True)
    return {"cwd": cwd}

def execute(params):
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = subprocess.Popen(
        [params["command"], *params.get("args", [])], stdin=subprocess.PIPE,
        cwd=params.get("cwd") or os.path.join(ROOT, known(params)), stdout=out,
        stderr=err, env={**os.environ, **params.get("env", {})},
        start_new_session=True)
    RUNNING[child.pid] = known(params)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.communicate((params.get("stdin") or "").encode(),
                          (params.get("timeoutMs") or 0) / 1000 or None)
    code = child.returncode  # None if it takes too long, negative by a signal.
    kill([child.pid])  # With all that it has started.
    RUNNING.pop(child.pid), child.wait()
    said = [x.seek(0) or x.read().decode(errors="replace") for x in (out, err)]
    return {"exitCode": code if code is None or code >= 0 else None,
            "timedOut": code is None, "stdout": said[0], "stderr": said[1]}

METHODS = {
    "initialize": lambda _: {"ok": True, "supportedMethods": list(METHODS)[3:]},
    "health": lambda _: {"status": "ok"}, "shutdown": lambda _: None,
    "environmentAcquireLease": acquire, "environmentExecute": execute,
    "environmentResumeLease": lambda x: {"providerLeaseId": known(x)},
    "environmentReleaseLease": destroy, "environmentDestroyLease": destroy,
    "environmentRealizeWorkspace": realize}

def serve(id, method, params={}, **_):
    try:
        answer = {"result": METHODS[method](params)}
    except Exception as why:  # What one call does wrong, others survive.
        code = -32002 if method in METHODS else -32601
        answer = {"error": {"code": code, "message": repr(why)}}
    line = json.dumps({"jsonrpc": "2.0", "id": id, **answer}) + "\n"
    HOST.write(line.encode())
    HOST.flush()

for line in sys.stdin.buffer:
    with contextlib.suppress(ValueError, TypeError):  # Of what is no call.
        call = json.loads(line)
        thread = threading.Thread(target=serve, kwargs=call, daemon=True)
        thread.start()
        if call["method"] == "shutdown":
            thread.join()
            break
kill(list(RUNNING))
os._exit(0)  # Threads may still wait for their commands.
