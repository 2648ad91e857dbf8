#!/usr/bin/env python3
"""python_worker.py ROOT: a provider whose sandboxes are directories below ROOT.
It isolates nothing; it shows the protocol. See docs/writing-a-worker.md."""
import json, os, shutil, signal, subprocess, sys, tempfile, threading, uuid

ROOT = os.path.abspath(sys.argv[1])
os.makedirs(ROOT, exist_ok=True)
HOST = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)  # Whoever prints, prints to standard error.
LOCK = threading.Lock()
RUNNING = {}  # The process groups of commands, and their leases.

def send(**message):
    with LOCK:
        HOST.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        HOST.flush()

def kill(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass  # Nobody of them is left.

def path_of(lease):
    if lease not in os.listdir(ROOT):
        raise FileNotFoundError(f"lease {lease} does not exist")
    return os.path.join(ROOT, lease)

def acquire(params, call):
    # A host that asks again with the same leaseId gets the same directory.
    lease = str(uuid.UUID(params.get("leaseId") or uuid.uuid4().hex))
    os.makedirs(os.path.join(ROOT, lease), exist_ok=True)
    return {"providerLeaseId": lease, "metadata": {"remoteCwd": path_of(lease)}}

def resume(params, call):
    lease = params["providerLeaseId"]
    return {"providerLeaseId": lease if lease in os.listdir(ROOT) else None}

def destroy(params, call):
    for group, lease in list(RUNNING.items()):
        if lease == params["providerLeaseId"]:
            kill(group)
    if params["providerLeaseId"] in os.listdir(ROOT):
        shutil.rmtree(path_of(params["providerLeaseId"]))

def list_leases(params, call):
    leases = os.listdir(ROOT)
    return {"leases": [{"providerLeaseId": x, "leaseId": x} for x in leases]}

def realize(params, call):
    cwd = path_of(params["lease"]["providerLeaseId"])
    if source := params["workspace"].get("localPath"):
        shutil.copytree(source, cwd, symlinks=True, dirs_exist_ok=True)
    return {"cwd": cwd}

def pump(stream, pipe, pieces, invocation):
    for line in pipe:
        pieces.append(line.decode(errors="replace"))
        send(method="execute.log", paperclipInvocationId=invocation,
             params={"stream": stream, "chunk": pieces[-1]})

def execute(params, call):
    lease = params["lease"]["providerLeaseId"]
    home, pipe = path_of(lease), subprocess.PIPE
    env = {"PATH": os.environ["PATH"], "HOME": home, **params.get("env", {})}
    with tempfile.TemporaryFile() as stdin:
        stdin.write((params.get("stdin") or "").encode())
        stdin.seek(0)
        try:
            process = subprocess.Popen(
                [params["command"], *params.get("args", [])], stdin=stdin,
                stdout=pipe, stderr=pipe, env=env, start_new_session=True,
                cwd=params.get("cwd") or home)
        except OSError as why:
            return {"exitCode": 127, "timedOut": False, "stdout": "",
                    "stderr": f"{params['command']}: {why.strerror}\n"}
    RUNNING[process.pid] = lease
    text = {"stdout": [], "stderr": []}
    pumps = [threading.Thread(target=pump, daemon=True, args=(
        name, getattr(process, name), text[name],
        call["paperclipInvocation"]["id"])) for name in text]
    for thread in pumps:
        thread.start()
    timed_out = False
    try:
        process.wait((params.get("timeoutMs") or 0) / 1000 or None)
    except subprocess.TimeoutExpired:
        timed_out = True
    kill(process.pid)  # With all that it has started.
    code = process.wait()
    for thread in pumps:
        thread.join()
    del RUNNING[process.pid]
    return {"exitCode": None if timed_out or code < 0 else code,
            "signal": signal.Signals(-code).name if code < 0 else None,
            "timedOut": timed_out, "stdout": "".join(text["stdout"]),
            "stderr": "".join(text["stderr"])}

PROVIDES = {"environmentAcquireLease": acquire,
            "environmentResumeLease": resume,
            "environmentReleaseLease": destroy,
            "environmentDestroyLease": destroy,
            "environmentListLeases": list_leases,
            "environmentRealizeWorkspace": realize,
            "environmentExecute": execute}
METHODS = {**PROVIDES, "health": lambda *_: {"status": "ok"},
           "shutdown": lambda *_: None,
           "initialize": lambda *_: {"ok": True,
                                     "supportedMethods": list(PROVIDES)}}

def serve(call):
    try:
        if call["method"] not in METHODS:
            error = {"code": -32601, "message": f"Unknown: {call['method']}"}
            return send(id=call["id"], error=error)
        result = METHODS[call["method"]](call.get("params", {}), call)
    except Exception as why:  # What one call does wrong, others survive.
        return send(id=call["id"], error={"code": -32002, "message": repr(why)})
    send(id=call["id"], result=result)

def main():
    for line in filter(bytes.strip, sys.stdin.buffer):
        try:
            call = json.loads(line)
        except ValueError as why:
            send(id=None, error={"code": -32700, "message": f"{why}"})
            continue
        if call.get("id") is None or "method" not in call:
            continue  # Nobody waits for an answer.
        if call["method"] == "environmentExecute":
            threading.Thread(target=serve, args=(call,), daemon=True).start()
        else:
            serve(call)
        if call["method"] == "shutdown":
            break
    for group in list(RUNNING):
        kill(group)
    os._exit(0)  # Threads may still wait for their commands.

if __name__ == "__main__":
    main()
