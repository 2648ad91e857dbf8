#include "tests/faults/kill_stage.hpp"

#include "tests/support/processes.hpp"

#include <cstdio>
#include <utility>

namespace leasehold::faults {

namespace fs = std::filesystem;

kill_stage::kill_stage(fs::path dir, test::postgres_server* server,
                       uint64_t seed)
  : dir_{std::move(dir)}, server_{server}, seed_{seed},
    story_{dir_ / "story", std::ios::app}, seen_{dir_ / "journal"} {
  set_up();
  rows_ = server_ ? postgres_facts(url())
                  : sqlite_facts((dir_ / "leasehold.db").string());
}

kill_stage::~kill_stage() = default;

std::string kill_stage::url() const {
  return server_ ? server_->url("faults") : (dir_ / "leasehold.db").string();
}

std::vector<std::string> kill_stage::argv(const char* verb) const {
  return {LEASEHOLD_FAULT_VICTIM,
          verb,
          url(),
          dir_.string(),
          std::to_string(seed_ + static_cast<uint64_t>(number_)),
          "run-" + std::to_string(number_)};
}

void kill_stage::set_up() {
  if (server_)
    server_->run("CREATE DATABASE faults");
  victim_process setup{argv("setup"), (dir_ / "errors").string(),
                       [](const std::string&) {}};
  setup.bury();
}

void kill_stage::start(const std::string& armed) {
  ++number_;
  auto hear = [this, number = number_](const std::string& line) {
    story_ << number << ' ' << line << '\n';
    book_.take(number, line);
  };
  victim_ = std::make_unique<victim_process>(argv("serve"),
                                             (dir_ / "errors").string(), hear);
  std::ofstream{dir_ / "engine.pid.new"} << victim_->pid() << '\n';
  fs::rename(dir_ / "engine.pid.new", dir_ / "engine.pid");
  if (!armed.empty())
    victim_->tell("arm " + armed);
}

void kill_stage::bury() {
  victim_->kill();
  victim_->bury();
  victim_.reset();
  std::vector<pid_t> ours;
  if (server_)
    ours.push_back(server_->pid());
  for (const auto& who : await_orphans(ours, milliseconds{20'000})) {
    ++found_.processes_left;
    found_.words.push_back("a process has survived its engine: " + who);
  }
}

bool kill_stage::settle() {
  victim_->tell("settle");
  auto answer = victim_->listen(patience, "settled");
  if (answer == "settled 0")
    return true;
  if (victim_->silent())
    return false;
  ++found_.other;
  found_.words.push_back(answer.empty() ? "the engine did not settle"
                                        : "not everything settled: " + answer);
  return true;
}

bool kill_stage::is_still_owed(const std::string& lease) {
  settle();
  for (const auto& row : rows_->open_ones())
    if (row.id == lease)
      return row.cleanup == "failed" && !row.parked;
  return false;
}

void kill_stage::check(bool all) {
  story_ << number_ << " check" << std::endl;
  oracle judge{dir_, book_, seen_, *rows_,
               [this](const auto& row) { return is_still_owed(row.id); }};
  all ? judge.check_all(number_, found_) : judge.check(number_, found_);
}

// -- surroundings -------------------------------------------------------------

void kill_stage::arm_worker(const std::string& place,
                            const std::string& what) const {
  fs::remove(dir_ / "taken");
  std::ofstream{dir_ / "armed.new"} << place << ' ' << what << '\n';
  fs::rename(dir_ / "armed.new", dir_ / "armed");
}

bool kill_stage::tripped() const {
  return fs::exists(dir_ / "taken");
}

bool kill_stage::disarm_worker() const {
  fs::remove(dir_ / "armed");
  return fs::remove(dir_ / "taken");
}

int64_t kill_stage::worker_pid() const {
  int64_t out = 0;
  std::ifstream{dir_ / "worker.pid"} >> out;
  return out;
}

std::vector<int64_t> kill_stage::processes_with(const std::string& text) const {
  std::vector<int64_t> out;
  for (const auto& x : test::processes_with(text))
    if (x.pid != victim_->pid())
      out.push_back(x.pid);
  return out;
}

} // namespace leasehold::faults
