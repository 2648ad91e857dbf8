// leasehold-fault-worker DIR: a provider whose resources are folders of
// DIR/boxes and that dies wherever the campaign wants it to (trips.hpp). It
// refuses nobody: it is the witness, and DIR/journal is what it saw.
//
//   up PID                          a worker serves
//   made BOX LEASE FENCE            a box was made for a lease
//   resumed BOX LEASE FENCE         a parked box went to another lease
//   parked BOX LEASE FENCE          a lease left its box for the next one
//   gone BOX LEASE FENCE            a box was removed
//
// The tenants of the boxes (tenant.cpp) write to the same journal.

#include "drivers/worker_kit/worker_kit.hpp"
#include "tests/faults/trips.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace leasehold;

using kit::json;

namespace fs = std::filesystem;

/// Longer than any engine here waits for an answer.
constexpr auto late_by = milliseconds{1'100};

/// A command that runs in a box.
struct tenant {
  std::string box;
  std::shared_ptr<child_process> child;
  std::string out;
  bool cancelled = false;
};

class provider {
public:
  provider(kit::worker& me, const fs::path& dir)
    : me_{me}, dir_{dir}, journal_{dir / "journal"}, trips_{dir, journal_} {
    fs::create_directories(dir_ / "boxes");
    std::ofstream{dir_ / "worker.pid.new"} << ::getpid() << '\n';
    fs::rename(dir_ / "worker.pid.new", dir_ / "worker.pid");
    journal_.write("up " + std::to_string(::getpid()));
    using verb = void (provider::*)(const kit::call&);
    std::pair<const char*, verb> verbs[] = {
      {"environmentAcquireLease", &provider::acquire},
      {"environmentResumeLease", &provider::resume},
      {"environmentReleaseLease", &provider::release},
      {"environmentDestroyLease", &provider::destroy},
      {"environmentListLeases", &provider::list},
      {"environmentExecute", &provider::execute},
      {"environmentCancelExecute", &provider::cancel},
    };
    for (auto [method, what] : verbs)
      me_.on(method,
             [this, what = what](const kit::call& x) { (this->*what)(x); });
  }

private:
  // -- boxes ------------------------------------------------------------------

  [[nodiscard]] fs::path path_of(const std::string& box) const {
    return dir_ / "boxes" / box;
  }

  static std::string grant_of(const json& params) {
    return kit::optional_text(params, "leaseId") + " "
           + std::to_string(
             kit::optional_number(params, "leaseFence").value_or(0));
  }

  /// Who holds the box. The record is whole, or it is the one before.
  void inscribe(const std::string& box, const std::string& grant) const {
    auto path = path_of(box) / "holder";
    auto fresh = path.string() + ".new";
    std::ofstream{fresh} << grant << '\n';
    fs::rename(fresh, path);
  }

  void answer(const kit::call& what, json result, bool late) {
    if (!late)
      return what.reply(result);
    me_.loop().after(late_by, [what, result] { what.reply(result); });
  }

  void acquire(const kit::call& what) {
    trips_.pass("acquire.called");
    const auto& params = what.params();
    std::ifstream limit{dir_ / "capacity"};
    auto most = size_t{0};
    auto box = "den-" + kit::required_text(params, "leaseId");
    if (limit >> most && !fs::exists(path_of(box)) && boxes().size() >= most)
      throw kit::rpc_error{kit::error_code::worker_error, "no room"};
    journal_.write("made " + box + " " + grant_of(params));
    fs::create_directory(path_of(box));
    inscribe(box, grant_of(params));
    auto late = trips_.pass("acquire.made");
    answer(what, {{"providerLeaseId", box}, {"metadata", json::object()}},
           late);
  }

  void resume(const kit::call& what) {
    trips_.pass("resume.called");
    auto box = kit::required_text(what.params(), "providerLeaseId");
    if (!fs::exists(path_of(box)))
      return what.reply({{"providerLeaseId", nullptr}});
    journal_.write("resumed " + box + " " + grant_of(what.params()));
    inscribe(box, grant_of(what.params()));
    auto late = trips_.pass("resume.done");
    answer(what, {{"providerLeaseId", box}, {"metadata", json::object()}},
           late);
  }

  void release(const kit::call& what) {
    trips_.pass("release.called");
    const auto& params = what.params();
    auto box = kit::optional_text(params, "providerLeaseId");
    auto config = kit::optional_object(params, "config");
    auto parks = config.value("reuseLease", false) && fs::exists(path_of(box));
    clear_out(box, [this, what, box, parks] {
      if (parks)
        journal_.write("parked " + box + " " + grant_of(what.params()));
      else
        remove(box, what.params());
      answer(what, json::object(), trips_.pass("release.done"));
    });
  }

  void destroy(const kit::call& what) {
    trips_.pass("destroy.called");
    auto box = kit::optional_text(what.params(), "providerLeaseId");
    clear_out(box, [this, what, box] {
      remove(box, what.params());
      answer(what, json::object(), trips_.pass("destroy.done"));
    });
  }

  void remove(const std::string& box, const json& params) {
    if (box.empty() || !fs::exists(path_of(box)))
      return;
    fs::remove_all(path_of(box));
    journal_.write("gone " + box + " " + grant_of(params));
  }

  [[nodiscard]] std::vector<std::string> boxes() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator{dir_ / "boxes"})
      out.push_back(entry.path().filename().string());
    return out;
  }

  void list(const kit::call& what) {
    trips_.pass("list.called");
    auto leases = json::array();
    for (const auto& box : boxes()) {
      json entry{{"providerLeaseId", box}};
      std::string holder;
      // One that was made and not inscribed says by its name whose it is.
      if (!(std::ifstream{path_of(box) / "holder"} >> holder))
        holder = box.substr(4);
      entry["leaseId"] = holder;
      leases.push_back(std::move(entry));
    }
    what.reply({{"leases", leases}});
  }

  // -- tenants ----------------------------------------------------------------

  void execute(const kit::call& what) {
    trips_.pass("execute.called");
    const auto& params = what.params();
    auto box = kit::required_text(kit::required_object(params, "lease"),
                                  "providerLeaseId");
    if (!fs::exists(path_of(box)))
      throw kit::rpc_error{kit::error_code::worker_error, "no such box"};
    launch_spec spec;
    spec.argv = kit::optional_texts(params, "args");
    spec.argv.insert(spec.argv.begin(), kit::required_text(params, "command"));
    spec.cwd = path_of(box);
    spec.env["LEASEHOLD_LEASE_ID"] = kit::optional_text(params, "leaseId");
    spec.env["LEASEHOLD_LEASE_FENCE"]
      = std::to_string(kit::optional_number(params, "leaseFence").value_or(0));
    auto execution = kit::optional_text(params, "executionId");
    auto& one = tenants_[execution] = std::make_shared<tenant>();
    one->box = box;
    process_events tell;
    tell.on_failure = [this, what, execution](const failure& why) {
      what.fail(kit::error_code::worker_error, why.message);
      leave(execution);
    };
    tell.on_stdout = [who = std::weak_ptr{one}](std::string_view bytes) {
      if (auto alive = who.lock())
        alive->out += bytes;
    };
    tell.on_exit = [this, what, execution](exit_report how) {
      on_exit(what, execution, how);
    };
    one->child = me_.launcher().start(std::move(spec), std::move(tell));
    trips_.pass("execute.started");
  }

  void on_exit(const kit::call& what, const std::string& execution,
               exit_report how) {
    auto who = tenants_.at(execution);
    json result{{"timedOut", false}, {"stdout", who->out}, {"stderr", ""}};
    result["exitCode"] = how.signal == 0 ? json(how.code) : json();
    result["signal"] = how.signal == 0 ? json() : json(signal_name(how.signal));
    result["metadata"] = {{"cancelled", who->cancelled}};
    trips_.pass("execute.ended");
    what.reply(result);
    leave(execution);
  }

  void cancel(const kit::call& what) {
    auto pos = tenants_.find(kit::required_text(what.params(), "executionId"));
    if (pos != tenants_.end()) {
      pos->second->cancelled = true;
      pos->second->child->signal(9);
    }
    what.reply({{"cancelled", pos != tenants_.end()}});
  }

  /// A tenant is gone; its box may be empty now.
  void leave(const std::string& execution) {
    auto box = tenants_.at(execution)->box;
    tenants_.erase(execution);
    if (has_tenants(box))
      return;
    auto waiting = waiting_.extract(box);
    if (waiting)
      for (const auto& then : waiting.mapped())
        then();
  }

  [[nodiscard]] bool has_tenants(const std::string& box) const {
    for (const auto& [execution, who] : tenants_)
      if (who->box == box)
        return true;
    return false;
  }

  /// Ends everybody in the box first.
  void clear_out(const std::string& box, const std::function<void()>& then) {
    if (!has_tenants(box))
      return then();
    waiting_[box].push_back(then);
    for (const auto& [execution, who] : tenants_)
      if (who->box == box)
        who->child->signal(9);
  }

  kit::worker& me_;
  fs::path dir_;
  faults::journal_file journal_;
  faults::trips trips_;
  std::map<std::string, std::shared_ptr<tenant>> tenants_;
  std::map<std::string, std::vector<std::function<void()>>> waiting_;
};

} // namespace

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  kit::worker me{{{"id", "faults.plugin"}}};
  provider serves{me, argv[1]};
  return me.run();
}
