// A scheduler of one run: leases a sandbox, builds in it, gives it back.

#include <leasehold/engine.hpp>

#include <cstdlib>
#include <iostream>

int main(int argc, char** argv) {
  leasehold::engine engine{{.store = argc > 1 ? argv[1] : "leasehold.db"}};
  engine.put_environment({.name = "box", .driver = "local"}).get().value();

  auto lease
    = engine.acquire({.environment = "box", .run = "run-42"}).get().value();
  auto done = engine
                .execute(lease, {.command = "echo", .args = {"hello"}},
                         [](const leasehold::output& chunk) {
                           std::cout << chunk.text;
                         })
                .get()
                .value();
  engine
    .release_run("run-42", done.exit_code == 0 ? leasehold::outcome::released
                                               : leasehold::outcome::failed)
    .get()
    .value();
  return done.exit_code.value_or(EXIT_FAILURE);
}
