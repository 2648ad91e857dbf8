// leasehold-fault-tenant JOURNAL NAME MS CODE: a command in a box. Makes sure
// that no other lease's command is in the same box (the current directory),
// stays for MS milliseconds and ends with CODE. Writes to JOURNAL:
//
//   in NAME LEASE FENCE PID          it has the box for itself
//   did NAME CODE                    it ends with this code
//   crowded NAME LEASE OTHER         somebody else's command is in the box

#include "tests/faults/trips.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace {

std::string variable(const char* name) {
  const auto* text = std::getenv(name);
  return text && *text ? text : "-";
}

std::string content_of(int fd) {
  char bytes[256];
  auto size = ::pread(fd, bytes, sizeof bytes, 0);
  return {bytes, size > 0 ? static_cast<size_t>(size) : 0};
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5)
    return 99;
  leasehold::faults::journal_file journal{argv[1]};
  auto name = std::string{argv[2]};
  auto lease = variable("LEASEHOLD_LEASE_ID");
  auto room = ::open("tenant", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (room < 0)
    return 98;
  auto doubts = 0;
  while (::flock(room, LOCK_EX | LOCK_NB) != 0) {
    auto other = content_of(room);
    // Whoever has just come in may not have written its name yet.
    doubts += !other.empty() && other != lease;
    if (doubts > 5) {
      journal.write("crowded " + name + " " + lease + " " + other);
      return 97;
    }
    // One of the same lease that is about to go: a killed worker's.
    ::poll(nullptr, 0, 1);
  }
  if (::ftruncate(room, 0) != 0
      || ::pwrite(room, lease.data(), lease.size(), 0) < 0)
    return 96;
  journal.write("in " + name + " " + lease + " "
                + variable("LEASEHOLD_LEASE_FENCE") + " "
                + std::to_string(::getpid()));
  ::poll(nullptr, 0, std::atoi(argv[3]));
  auto code = std::atoi(argv[4]);
  journal.write("did " + name + " " + std::to_string(code));
  return code;
}
