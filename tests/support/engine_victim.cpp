// A program that embeds an engine, for tests to do to it what they cannot do to
// themselves.
//
//   leasehold-engine-victim hold STORE ENVIRONMENT MARK
//     runs a command that never ends, with MARK in its command line; says its
//     lease once the command runs, and waits to be killed
//   leasehold-engine-victim fill STORE BALLAST
//     leases until the disk is full, says what the engine said, then makes room
//     by removing BALLAST and leases once more
//   leasehold-engine-victim open STORE
//     says why the store cannot be opened

#include "leasehold/engine.hpp"

#include <unistd.h>

#include <iostream>
#include <string_view>

namespace {

using namespace leasehold;

int say(const failure& why) {
  std::cout << to_string(why.code) << ": " << why.message << std::endl;
  return 1;
}

int hold(engine& with, const std::string& environment, const char* mark) {
  acquire_request what;
  what.environment = environment;
  what.run = "run-of-victim";
  auto lease = with.acquire(what).get();
  if (!lease)
    return say(lease.error());
  command forever{.command = "sh"};
  forever.args = {"-c", "echo up; sleep 1000 & sleep 1000", mark};
  with.execute(
    *lease, forever,
    [id = lease->id](const output&) { std::cout << id << std::endl; },
    [](const result<finished>&) { std::cout << "ended" << std::endl; });
  for (;;)
    ::pause();
}

int fill(engine& with, const char* ballast) {
  environment_info here;
  here.name = "here";
  here.driver = "local";
  auto added = with.put_environment(here).get();
  if (!added)
    return say(added.error());
  acquire_request what;
  what.environment = "here";
  auto lease = with.acquire(what).get();
  if (!lease)
    return say(lease.error());
  auto more = lease;
  while (more)
    more = with.acquire(what).get();
  say(more.error());
  ::unlink(ballast);
  auto ended = with.release(*lease).get();
  auto again = with.acquire(what).get();
  if (!ended || !again)
    return say(ended ? again.error() : ended.error());
  std::cout << "works again" << std::endl;
  return 0;
}

} // namespace

int main(int argc, char** argv) {
  std::string_view verb = argc > 2 ? argv[1] : "";
  options opts;
  opts.store = argc > 2 ? argv[2] : "";
  auto opened = engine::open(opts);
  if (!opened)
    return say(opened.error());
  if (verb == "hold" && argc == 5)
    return hold(*opened, argv[3], argv[4]);
  if (verb == "fill" && argc == 4)
    return fill(*opened, argv[3]);
  return verb == "open" ? 0 : 2;
}
