#include "bench/load/pipe_floor.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <stdexcept>

namespace leasehold::bench {

namespace {

using nlohmann::json;

using steady = std::chrono::steady_clock;

std::string pong() {
  return LEASEHOLD_BENCH_PROGRAMS "/leasehold-bench-pong";
}

/// What everybody does with an answer.
void check_answer(const std::string& line, uint64_t id, size_t payload) {
  auto answer = json::parse(line);
  const auto& text
    = answer.at("result").at("stdout").get_ref<const std::string&>();
  if (answer.at("id") != id || text.size() != payload)
    throw std::runtime_error{"a wrong answer from the pipe"};
}

double seconds_since(steady::time_point begin) {
  return std::chrono::duration<double>(steady::now() - begin).count();
}

} // namespace

// -- the child ----------------------------------------------------------------

piped_child::piped_child(const std::vector<std::string>& command) {
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error{"no pipe"};
  std::vector<char*> args;
  args.reserve(command.size() + 1);
  for (const auto& x : command)
    args.push_back(const_cast<char*>(x.c_str()));
  args.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  auto failed
    = posix_spawn(&pid_, args[0], &actions, nullptr, args.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  in_ = in[1];
  out_ = out[0];
  if (failed != 0)
    throw std::runtime_error{"cannot start " + command[0]};
}

piped_child::~piped_child() {
  close(in_);
  close(out_);
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void piped_child::write_all(const std::string& text) const {
  size_t sent = 0;
  while (sent < text.size()) {
    auto n = write(in_, text.data() + sent, text.size() - sent);
    if (n <= 0)
      throw std::runtime_error{"the other end of the pipe is gone"};
    sent += static_cast<size_t>(n);
  }
}

const std::string& piped_child::read_some() {
  bytes_.resize(65536);
  auto n = read(out_, bytes_.data(), bytes_.size());
  bytes_.resize(n > 0 ? static_cast<size_t>(n) : 0);
  return bytes_;
}

std::string piped_child::read_line() {
  size_t searched = 0;
  for (;;) {
    auto end = held_.find('\n', searched);
    if (end != std::string::npos) {
      auto line = held_.substr(0, end);
      held_.erase(0, end + 1);
      return line;
    }
    searched = held_.size();
    if (read_some().empty())
      throw std::runtime_error{"the other end of the pipe is gone"};
    held_ += bytes_;
  }
}

// -- calls --------------------------------------------------------------------

std::string request_line(uint64_t id, const std::string& input) {
  json params{
    {"driverKey", "bench"},
    {"companyId", "default"},
    {"environmentId", "0a1b2c3d-1111-4222-8333-444455556666"},
    {"leaseId", "1a1b2c3d-1111-4222-8333-444455556666"},
    {"leaseFence", 42},
    {"executionId", "2a1b2c3d-1111-4222-8333-444455556666"},
    {"config", {{"provider", "bench"}}},
    {"lease",
     {{"providerLeaseId", "bench-1a1b2c3d-1111-4222-8333-444455556666"},
      {"metadata", {{"provider", "bench"}, {"pluginKey", "bench.plugin"}}}}},
    {"command", "echo"},
    {"args", json::array()},
    {"env",
     {{"LEASEHOLD_LEASE_ID", "1a1b2c3d-1111-4222-8333-444455556666"},
      {"LEASEHOLD_LEASE_FENCE", "42"}}},
    {"stdin", input}};
  json out{{"jsonrpc", "2.0"},
           {"id", id},
           {"method", "environmentExecute"},
           {"params", std::move(params)}};
  return out.dump() + "\n";
}

histogram ping_pong(size_t payload, double seconds) {
  piped_child child{{pong()}};
  std::string input(payload, 'x');
  histogram out;
  auto begin = steady::now();
  for (uint64_t id = 1; seconds_since(begin) < seconds; ++id) {
    auto start = steady::now();
    child.write_all(request_line(id, input));
    check_answer(child.read_line(), id, payload);
    out.add(steady::now() - start);
  }
  return out;
}

double pipelined(size_t in_flight, size_t payload, double seconds) {
  piped_child child{{pong()}};
  std::string input(payload, 'x');
  auto begin = steady::now();
  uint64_t sent = 0;
  uint64_t answered = 0;
  // As much as a pipe takes at once, so that nobody waits for the other.
  auto window = std::max<uint64_t>(
    1, std::min<uint64_t>(in_flight, 65536 / (2 * payload + 1500)));
  while (seconds_since(begin) < seconds) {
    std::string batch;
    for (; sent - answered < window; ++sent)
      batch += request_line(sent, input);
    child.write_all(batch);
    for (; answered < sent; ++answered)
      check_answer(child.read_line(), answered, payload);
  }
  return static_cast<double>(answered) / seconds_since(begin);
}

double bare_stream(size_t mib) {
  auto begin = steady::now();
  piped_child child{{pong(), std::to_string(mib)}};
  size_t got = 0;
  while (got < mib * (1 << 20)) {
    auto line = json::parse(child.read_line());
    got += line.at("params").at("chunk").get_ref<const std::string&>().size();
  }
  return static_cast<double>(mib) / seconds_since(begin);
}

} // namespace leasehold::bench
