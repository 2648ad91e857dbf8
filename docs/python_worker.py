#!/usr/bin/env python3
"""python_worker.py ROOT: a provider whose sandboxes are directories below ROOT.
It isolates nothing; it shows the protocol. See docs/writing-a-worker.md."""
import contextlib, json, os, shutil, signal, subprocess, sys, threading, uuid
from concurrent.futures import ThreadPoolExecutor

ROOT, RUNNING, LOCK = os.path.abspath(sys.argv[1]), {}, threading.Lock()
os.makedirs(ROOT, exist_ok=True)
HOST = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # Whoever prints, prints to standard error.

def send(**message):
    with LOCK:
        print(json.dumps({"jsonrpc": "2.0", **message}), file=HOST, flush=True)

def kill(groups):
    for group in groups:
        with contextlib.suppress(ProcessLookupError):  # Nobody of it is left.
            os.killpg(group, signal.SIGKILL)

def path_of(lease):
    if lease not in os.listdir(ROOT):
        raise FileNotFoundError(f"lease {lease} does not exist")
    return os.path.join(ROOT, lease)

def acquire(params, scope):
    # A host that asks again with the same leaseId gets the same directory.
    lease = str(uuid.UUID(params.get("leaseId") or uuid.uuid4().hex))
    os.makedirs(os.path.join(ROOT, lease), exist_ok=True)
    return {"providerLeaseId": lease, "metadata": {"remoteCwd": path_of(lease)}}

def resume(params, scope):
    lease = params["providerLeaseId"]
    return {"providerLeaseId": lease if lease in os.listdir(ROOT) else None}

def destroy(params, scope):
    lease = params["providerLeaseId"]
    kill([group for group, whose in list(RUNNING.items()) if whose == lease])
    if lease in os.listdir(ROOT):
        shutil.rmtree(path_of(lease))

def realize(params, scope):
    cwd = path_of(params["lease"]["providerLeaseId"])
    if source := params["workspace"].get("localPath"):
        shutil.copytree(source, cwd, symlinks=True, dirs_exist_ok=True)
    return {"cwd": cwd}

def execute(params, scope):
    home, pipe = path_of(params["lease"]["providerLeaseId"]), subprocess.PIPE
    process = subprocess.Popen(
        [params["command"], *params.get("args", [])], start_new_session=True,
        stdin=pipe, stdout=pipe, stderr=pipe, cwd=params.get("cwd") or home,
        env={"PATH": os.environ["PATH"], "HOME": home, **params.get("env", {})})
    RUNNING[process.pid] = params["lease"]["providerLeaseId"]
    text = {"stdout": [], "stderr": []}

    def feed():
        with process.stdin:
            process.stdin.write((params.get("stdin") or "").encode())

    def pump(name):
        for line in getattr(process, name):
            text[name].append(line.decode(errors="replace"))
            send(method="execute.log", paperclipInvocationId=scope,
                 params={"stream": name, "chunk": text[name][-1]})

    with ThreadPoolExecutor() as pool:  # Whose end waits for these three.
        pool.submit(feed)
        pool.map(pump, text)
        try:
            code = process.wait((params.get("timeoutMs") or 0) / 1000 or None)
        except subprocess.TimeoutExpired:
            code = None
        kill([process.pid])  # With all that it has started.
    process.wait()
    del RUNNING[process.pid]
    return {"exitCode": None if (code or 0) < 0 else code,
            "signal": signal.Signals(-code).name if (code or 0) < 0 else None,
            "timedOut": code is None, "stdout": "".join(text["stdout"]),
            "stderr": "".join(text["stderr"])}

METHODS = {
    "initialize": lambda *_: {"ok": True, "supportedMethods": [
        name for name in METHODS if name.startswith("environment")]},
    "health": lambda *_: {"status": "ok"},
    "shutdown": lambda *_: None,
    "environmentAcquireLease": acquire,
    "environmentResumeLease": resume,
    "environmentReleaseLease": destroy,
    "environmentDestroyLease": destroy,
    "environmentListLeases": lambda *_: {
        "leases": [{"providerLeaseId": x, "leaseId": x}
                   for x in os.listdir(ROOT)]},
    "environmentRealizeWorkspace": realize,
    "environmentExecute": execute}

def serve(id, method, params={}, paperclipInvocation={}, **_):
    if method not in METHODS:
        error = {"code": -32601, "message": f"Unknown: {method}"}
        return send(id=id, error=error)
    try:
        result = METHODS[method](params, paperclipInvocation.get("id"))
    except Exception as why:  # What one call does wrong, others survive.
        return send(id=id, error={"code": -32002, "message": repr(why)})
    send(id=id, result=result)

def main():
    for line in filter(bytes.strip, sys.stdin.buffer):
        with contextlib.suppress(ValueError, TypeError):  # Of what is no call.
            call = json.loads(line)
            if "method" not in call or call.get("id") is None:
                continue  # Nobody waits for an answer.
            if call["method"] == "environmentExecute":
                threading.Thread(target=serve, kwargs=call, daemon=True).start()
            else:
                serve(**call)
            if call["method"] == "shutdown":
                break
    kill(list(RUNNING))
    os._exit(0)  # Threads may still wait for their commands.

if __name__ == "__main__":
    main()
