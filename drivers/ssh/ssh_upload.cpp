#include "drivers/ssh/ssh_upload.hpp"

#include <utility>

namespace leasehold::ssh {

namespace {

/// How much a workspace may say about itself; beyond that, all of it is sent.
constexpr size_t state_max = size_t{256} << 20;

constexpr size_t answer_max = 65'536;

/// Prints what `parse_remote_state` reads.
constexpr auto list_script = R"sh(
[ -f .leasehold-placed ] || exit 0
cat .leasehold-placed && printf '\0' \
  && find . ! -type d -newer .leasehold-placed -print0 && printf '\0' \
  && find . -print0 && printf '\0'
)sh";

/// Names below the workspace, each with a NUL.
std::string as_input(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names)
    out.append("./").append(name).append(1, '\0');
  return out;
}

} // namespace

ssh_upload::ssh_upload(std::weak_ptr<runner> hosts,
                       std::weak_ptr<background> worker, request what,
                       completion<> then)
  : hosts_{std::move(hosts)}, worker_{std::move(worker)},
    what_{std::move(what)}, then_{std::move(then)} {
  // nop
}

ssh_upload::~ssh_upload() {
  tell(failure{ec::outcome_unknown,
               "Nobody saw how a transfer to an SSH host ended."});
}

void ssh_upload::start() {
  run(list_script, {}, state_max,
      [self = shared_from_this()](result<command_result> there) {
        self->on_listed(std::move(there));
      });
}

void ssh_upload::cancel() {
  cancelled_ = true;
}

void ssh_upload::on_listed(result<command_result> there) {
  if (!there)
    return tell(there.error());
  // A workspace that cannot say what it holds gets everything.
  auto known = there->exit_code == 0 && there->stdout_text.size() < state_max;
  auto state = known ? parse_remote_state(there->stdout_text) : remote_state{};
  auto worker = worker_.lock();
  if (!worker)
    return tell(failure{ec::cancelled, "The transfer was called off."});
  worker->run([self = shared_from_this(), state = std::move(state)]() mutable {
    auto here = list_folder(self->what_.local, self->cancelled_);
    return [self, here = std::move(here), state = std::move(state)]() mutable {
      if (!here)
        return self->tell(here.error());
      self->here_ = std::move(*here);
      self->compare(std::move(state));
    };
  });
}

void ssh_upload::compare(remote_state there) {
  plan_ = plan_upload(here_, there);
  if (plan_.empty())
    return finish();
  remove_files();
}

void ssh_upload::remove_files() {
  if (plan_.remove_files.empty())
    return remove_folders();
  run("xargs -0 rm -f --", as_input(plan_.remove_files),
      &ssh_upload::remove_folders);
}

void ssh_upload::remove_folders() {
  if (plan_.remove_folders.empty())
    return send();
  // Folders that hold something else stay.
  run("xargs -0 rmdir -- 2>/dev/null; :", as_input(plan_.remove_folders),
      &ssh_upload::send);
}

void ssh_upload::send() {
  if (plan_.send.empty())
    return take_note();
  auto hosts = hosts_.lock();
  if (!hosts || cancelled_)
    return tell(failure{ec::cancelled, "The transfer was called off."});
  // Owners mean nothing on another host.
  std::vector<std::string> tar{"tar",
                               "-C",
                               what_.local,
                               "--null",
                               "--no-recursion",
                               "--hard-dereference",
                               "--owner=0",
                               "--group=0",
                               "--numeric-owner",
                               "--format=gnu",
                               "-cf",
                               "-",
                               "-T",
                               "-"};
  auto consumer = "exec /bin/sh -c 'cd -- \"$1\" && exec tar -xpof -' sh "
                  + shell_word(what_.remote);
  hosts->pipe(what_.who, std::move(tar), as_input(plan_.send),
              std::move(consumer),
              [self = shared_from_this()](const result<>& sent) {
                if (sent)
                  self->take_note();
                else
                  self->tell(sent);
              });
}

void ssh_upload::take_note() {
  run("umask 077 && cat >.leasehold-placed.new "
      "&& mv -f .leasehold-placed.new .leasehold-placed",
      to_text(here_), &ssh_upload::finish);
}

void ssh_upload::finish() {
  tell(done{});
}

void ssh_upload::run(const std::string& script, std::string input, step next) {
  run(script, std::move(input), answer_max,
      [self = shared_from_this(), next](result<command_result> ended) {
        if (!ended)
          return self->tell(ended.error());
        if (ended->exit_code == 0)
          return ((*self).*next)();
        self->tell(failure{ec::provider_refused,
                           "The workspace on the SSH host could not be "
                           "changed.",
                           ended->stderr_text, acted::unknown});
      });
}

void ssh_upload::run(const std::string& script, std::string input,
                     size_t output_max, completion<command_result> then) {
  auto hosts = hosts_.lock();
  if (!hosts || cancelled_)
    return tell(failure{ec::cancelled, "The transfer was called off."});
  ssh_command::request what;
  what.name = "sh";
  what.job.command = "/bin/sh";
  what.job.args = {"-c", script};
  what.job.cwd = what_.remote;
  what.job.stdin_text = std::move(input);
  what.job.with_profile = false;
  command_limits limits;
  // An output keeps its two halves apart.
  limits.stdout_max = 2 * output_max;
  hosts->run(what_.who, std::move(what), limits, std::move(then));
}

void ssh_upload::tell(result<> outcome) {
  if (auto then = std::exchange(then_, nullptr))
    then(std::move(outcome));
}

} // namespace leasehold::ssh
