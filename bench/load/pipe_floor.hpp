#pragma once

// The floor of calls to a worker: lines of JSON over a pair of pipes, to
// leasehold-bench-pong and back, parsed with nlohmann at both ends.

#include "bench/load/histogram.hpp"

#include <sys/types.h>

#include <string>
#include <vector>

namespace leasehold::bench {

/// A child process on two pipes; ended with it.
class piped_child {
public:
  explicit piped_child(const std::vector<std::string>& command);

  piped_child(const piped_child&) = delete;
  piped_child& operator=(const piped_child&) = delete;

  ~piped_child();

  void write_all(const std::string& text) const;

  /// Reads what is there; empty at its end.
  const std::string& read_some();

  /// The next line.
  std::string read_line();

private:
  int in_ = -1;
  int out_ = -1;
  pid_t pid_ = -1;
  std::string bytes_;
  std::string held_;
};

/// A call like that of the engine, with so much input.
std::string request_line(uint64_t id, const std::string& input);

/// One after the other for so long.
histogram ping_pong(size_t payload, double seconds);

/// So many written at once, then all their answers read; calls a second.
double pipelined(size_t in_flight, size_t payload, double seconds);

/// MiB a second of output in lines of JSON, parsed.
double bare_stream(size_t mib);

} // namespace leasehold::bench
