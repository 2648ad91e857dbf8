// A program for tests to kill: runs a local command and waits for its own end.

#include "drivers/child_process.hpp"
#include "drivers/io_loop.hpp"
#include "drivers/local_driver.hpp"

#include <unistd.h>

#include <cstdio>

using namespace leasehold;

namespace {

struct to_stdout : output_sink {
  bool put(output_chunk chunk) override {
    std::fputs(chunk.text.c_str(), stdout);
    std::fflush(stdout);
    return true;
  }

  void when_ready(std::function<void()> resume) override {
    resume();
  }
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  io_loop loop;
  auto launcher = make_process_launcher(loop);
  local_driver driver{*launcher, loop, argv[1], this_host()};
  loop.start();
  run_command what;
  what.spec.command = "sh";
  what.spec.args = {"-c", argv[2]};
  driver.execute(what, std::make_shared<to_stdout>(),
                 [](auto) { std::puts("ended"); });
  for (;;)
    ::pause();
}
