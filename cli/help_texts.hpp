#pragma once

// What `--help` says below the options: examples first, then fine print.

namespace leasehold::cli::help {

inline constexpr auto program = R"(Examples:
  leasehold run --provider bubblewrap --workspace . -- make test
  leasehold env add box --provider bubblewrap --set reuseLease=true
  leasehold run --env box -- sh -c 'date >> visits; cat visits'
  leasehold lease list --all

The data directory is --data, else $LEASEHOLD_DATA, else
$XDG_DATA_HOME/leasehold, else ~/.local/share/leasehold.

leasehold VERB --help says more. Exit codes: 0 done, 1 failed, 2 wrong usage;
`run` has its own, see leasehold run --help.)";

inline constexpr auto run = R"(Examples:
  leasehold run -- make -j4
  leasehold run --provider bubblewrap --workspace . --timeout 10m -- make test
  leasehold run --env box --env-var CI=1 -- sh -c 'echo $CI'
  echo hello | leasehold run --stdin --provider bubblewrap -- cat

Without --env, --driver and --provider the command runs on this machine, in the
current directory. --driver X and --provider X use the environment named X and
make it when it is missing.

Exit code: the command's own; 128+n if signal n ended it; 124 if it timed out;
130 after Ctrl-C (143 after SIGTERM, 129 after SIGHUP); 141 if nobody reads its
output any more; 125 if Leasehold failed, or could not start the command.
The first Ctrl-C cancels the command and releases the lease, the second one
leaves at once; the next leasehold command then cleans up.

--json replaces the phases by a report: one JSON object, the last line on
standard error. --report FILE writes it to a file, with or without --json.
Standard output always belongs to the command alone.)";

inline constexpr auto env_add = R"(Examples:
  leasehold env add box --provider bubblewrap
  leasehold env add box --provider bubblewrap --set reuseLease=true
  leasehold env add box --provider bubblewrap --config '{"timeoutMs": 60000}'
  leasehold env add here --driver local --description "this machine"

The key `admission` is Leasehold's own, whatever the driver: how many leases at
a time, and who waits for the others.
  --set 'admission={"maxLeases": 20, "queueTimeoutMs": 60000}'

An environment of that name is changed. --set overrides --config; its value is
read as JSON where it is JSON, else as text.)";

inline constexpr auto env_list = R"(Examples:
  leasehold env list
  leasehold env list --json)";

inline constexpr auto env_show = R"(Example:
  leasehold env show box)";

inline constexpr auto env_remove = R"(Example:
  leasehold env remove box

The leases that hold it must end first; leasehold lease list shows them.)";

inline constexpr auto env_reset = R"(Example:
  leasehold env reset box

An environment whose provider fails five times in a row, because nobody answers,
is left alone for a while: whoever wants a lease there is refused at once with
the provider's last words. After the pause one lease is tried. `env reset` has
the next one tried now; leasehold env show says whether there is need.)";

inline constexpr auto plugin_reset = R"(Example:
  leasehold plugin reset acme.boxes

The same as leasehold env reset, for all environments of a plugin.)";

inline constexpr auto plugin_add = R"(Examples:
  leasehold plugin add --manifest acme.json -- python3 /opt/acme/worker.py
  leasehold plugin add --manifest acme.json --env-var LOG=debug -- ./worker
  leasehold plugin add ./my-plugin
  leasehold plugin add ./my-plugin --config @own.json
  leasehold plugin add npm:@acme/boxes@1.2.0

A folder or package has a package.json that names a manifest and a worker under
`paperclipPlugin`; its worker runs with Node.js. A source that is no folder is
the name of an npm package, which is installed below the data directory; none of
its scripts is run. `npm:` says so where both are possible.

A plugin with the same key is changed, whatever it wants to do; see leasehold
plugin upgrade for the careful way.)";

inline constexpr auto plugin_show = R"(Examples:
  leasehold plugin show acme.boxes
  leasehold plugin show acme.boxes --json)";

inline constexpr auto plugin_drivers = R"(Examples:
  leasehold plugin drivers
  leasehold plugin drivers boxes --json

Lists the drivers of plugins that are ready. Where two plugins provide the same,
the one that was added first serves new leases while it is ready. With a key,
says who serves that provider; exit code 1 if nobody does.)";

inline constexpr auto plugin_upgrade = R"(Examples:
  leasehold plugin upgrade acme.boxes
  leasehold plugin upgrade acme.boxes npm:@acme/boxes@2.0.0
  leasehold plugin upgrade acme.boxes --manifest acme.json -- ./worker-2

Without a source, reads the folder again, or installs the package's latest
version. Leases that live go on; the worker is replaced once no call is under
way. A version that declares more capabilities waits: leasehold plugin enable
allows it, and until then no new leases are taken. Variables stay as they are
unless some are given.)";

inline constexpr auto plugin_disable = R"(Example:
  leasehold plugin disable acme.boxes

Leases that live, are parked, or owe a cleanup can still be used and ended.)";

inline constexpr auto plugin_enable = R"(Example:
  leasehold plugin enable acme.boxes

Also allows an upgrade that waits because it wants more capabilities; leasehold
plugin show says which.)";

inline constexpr auto plugin_list = R"(Example:
  leasehold plugin list)";

inline constexpr auto plugin_remove = R"(Example:
  leasehold plugin remove acme.sandboxes

Refused while leases need it, so that nothing is left behind that nobody knows
how to remove: disable it, end its leases, then remove it.)";

inline constexpr auto plugin_test = R"(Examples:
  leasehold plugin test -- ./my-worker
  leasehold plugin test --manifest acme.json --config @good.json -- ./my-worker
  leasehold plugin test --only handshake --only execute.tree -- ./my-worker
  leasehold plugin test --list

Starts the worker a few times, acts as its host and prints a verdict for each
thing that a provider does. Acquires about ten leases and destroys them again.
What the worker does not offer is skipped. Changes no data directory.

Ctrl-C ends it early and still destroys them.

Exit code: 0 no check failed; 1 one did; 2 wrong usage; 130 after Ctrl-C.)";

inline constexpr auto secret_put = R"(Examples:
  leasehold secret put api-key < key.txt
  pass show acme | leasehold secret put api-key --description "for builds"
  leasehold secret put api-key          (asks, and does not show what you type)

The value comes from standard input, never from the command line, which others
can read; one line break at its end is dropped. It is sealed with the key in
master.key in the data directory, or in $LEASEHOLD_MASTER_KEY: back that up. No
command prints a value again. Name a secret in a config by its id.)";

inline constexpr auto secret_rotate = R"(Example:
  leasehold secret rotate api-key < new-key.txt

Whoever uses the latest version gets the new value at the next call. Earlier
versions stay until the secret is removed; see leasehold secret disable.)";

inline constexpr auto secret_list = R"(Examples:
  leasehold secret list
  leasehold secret list --company acme --json)";

inline constexpr auto secret_bind = R"(Examples:
  leasehold secret bind api-key --env box --path apiKey
  leasehold secret bind api-key --env box --path auth.token --version 2

Replaces what was bound there. An environment whose config names a secret where
its provider expects one is bound when it is added.)";

inline constexpr auto secret_unbind = R"(Example:
  leasehold secret unbind --env box --path apiKey)";

inline constexpr auto secret_disable = R"(Examples:
  leasehold secret disable api-key
  leasehold secret disable api-key --version 1)";

inline constexpr auto secret_enable = R"(Example:
  leasehold secret enable api-key)";

inline constexpr auto secret_remove = R"(Examples:
  leasehold secret remove api-key
  leasehold secret remove api-key --force)";

inline constexpr auto lease_list = R"(Examples:
  leasehold lease list
  leasehold lease list --all --limit 20
  leasehold lease list --env box --json

Lists what holds a resource: leases that have not ended, that are parked for the
next run, or that owe a cleanup. --all lists the ended ones too.)";

inline constexpr auto lease_show = R"(Example:
  leasehold lease show 7f3a91c2

The first characters of the id are enough if no other id begins so.)";

inline constexpr auto lease_resume = R"(Examples:
  leasehold run --env box --keep -- make test
  leasehold lease resume 7f3a91c2 --keep -- sh -c 'ls; tail build.log'
  leasehold lease resume 7f3a91c2 -- true

Runs a command where a lease has left its resource: kept (`run --keep`), or
waiting for the next run. A new lease holds it meanwhile; when the command has
ended it is released, and its policy says what becomes of the resource, unless
--keep is given again. Nothing is made if there is nothing left. Exit codes,
output and reports are those of `leasehold run`.)";

inline constexpr auto lease_release = R"(Examples:
  leasehold lease release 7f3a91c2
  leasehold lease release 7f3a91c2 --failed --reason "host is going down")";

inline constexpr auto lease_destroy = R"(Example:
  leasehold lease destroy 7f3a91c2 --reason "kept for a look, done now"

Removes the resource now, whatever state the lease is in.)";

inline constexpr auto lease_retry_cleanup = R"(Example:
  leasehold lease retry-cleanup 7f3a91c2

For a cleanup that is owed: the engine tries by itself, less and less often, and
gives up after 20 attempts. This tries at once and lets it try 20 times more.

Exit code 1 if the resource is still there.)";

inline constexpr auto lease_confirm_gone = R"(Example:
  leasehold lease confirm-gone 7f3a91c2

For a resource that you have removed by hand, or have seen to be gone. Nobody
tries to remove it any more, and nothing waits for the next run. The history of
the lease says that it was you. If it is there after all it is lost: look
first.)";

inline constexpr auto doctor = R"(Examples:
  leasehold doctor
  leasehold doctor --fix
  leasehold doctor --json

Says what is not as it should be: cleanups that are owed, leases that are stuck
or whose engine is dead, resources that nobody has or that are not there, and
plugins and environments that do not work. Asks every provider what it holds.

--fix tries cleanups again that were given up, removes what was made for leases
of ours that have ended, and takes off the record what is parked and not there.
It touches nothing else.

Exit code: 0 nothing needs you; 1 something does, or the look failed.)";

inline constexpr auto probe = R"(Example:
  leasehold probe box

Exit code 1 if the environment does not work.)";

inline constexpr auto version = R"(Example:
  leasehold version --json)";

} // namespace leasehold::cli::help
