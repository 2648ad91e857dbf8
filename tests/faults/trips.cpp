#include "tests/faults/trips.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <utility>

namespace leasehold::faults {

namespace fs = std::filesystem;

journal_file::journal_file(const fs::path& path)
  : fd_{::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)} {
  if (fd_ < 0)
    std::abort();
}

journal_file::~journal_file() {
  ::close(fd_);
}

void journal_file::write(const std::string& line) const {
  auto text = line + "\n";
  // One call, so that lines of two writers do not mix.
  if (::write(fd_, text.data(), text.size())
      != static_cast<ssize_t>(text.size()))
    std::abort();
}

trips::trips(fs::path dir, const journal_file& journal)
  : dir_{std::move(dir)}, journal_{journal} {
  // nop
}

bool trips::crashes(std::string_view place) {
  if (doomed_)
    return true;
  auto percent = 0;
  if (!place.ends_with(".called")
      || !(std::ifstream{dir_ / "crash_percent"} >> percent)
      || std::uniform_int_distribution{0, 99}(dice_) >= percent)
    return false;
  doomed_ = std::uniform_int_distribution{0, 2}(dice_) > 0;
  return !doomed_;
}

std::string trips::take(std::string_view place) {
  if (crashes(place))
    return "worker";
  std::string where;
  std::string what;
  if (!(std::ifstream{dir_ / "armed"} >> where >> what) || where != place)
    return {};
  // Whoever renames it has it.
  auto from = dir_ / "armed";
  auto to = dir_ / "taken";
  if (std::rename(from.c_str(), to.c_str()) != 0)
    return {};
  journal_.write("trip " + where + " " + what);
  return what;
}

bool trips::pass(std::string_view place) {
  auto what = take(place);
  if (what == "worker")
    ::kill(::getpid(), SIGKILL);
  if (what == "hang")
    ::kill(::getpid(), SIGSTOP);
  if (what == "engine") {
    pid_t engine = 0;
    if (std::ifstream{dir_ / "engine.pid"} >> engine && engine > 1)
      ::kill(engine, SIGKILL);
    // It must not get any further than this.
    for (;;)
      ::pause();
  }
  return what == "late";
}

} // namespace leasehold::faults
