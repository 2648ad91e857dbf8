// leasehold-bench: runs scenarios and says what was reached.
//
// Each scenario runs in a child process of its own, so that it starts with
// clean memory and that one that hangs or dies costs only itself. Servers and
// folders belong to the parent, which removes them however it ends.

#include "bench/load/bench_options.hpp"
#include "bench/load/machine.hpp"
#include "bench/load/page.hpp"
#include "bench/load/postgres_cluster.hpp"
#include "bench/load/scenario.hpp"
#include "bench/load/small_things.hpp"
#include "bench/load/targets.hpp"

#include <nlohmann/json.hpp>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>

namespace {

using namespace leasehold::bench;

namespace fs = std::filesystem;

volatile sig_atomic_t interrupted = 0;

void on_interrupt(int) {
  interrupted = 1;
}

/// Longer than any scenario takes that does not hang.
unsigned limit_of(bool quick) {
  return quick ? 120 : 900;
}

/// A folder that goes with us.
class work_folder {
public:
  work_folder() {
    auto name = (fs::temp_directory_path() / "leasehold-bench-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw std::runtime_error{"cannot make " + name};
    path_ = name;
    // The server's user goes through it.
    fs::permissions(path_, fs::perms::others_exec | fs::perms::group_exec,
                    fs::perm_options::add);
  }

  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;

  ~work_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }

private:
  std::string path_;
};

const scenario& find(const std::string& name) {
  for (const auto& x : scenarios())
    if (x.name == name)
      return x;
  throw std::invalid_argument{"there is no scenario " + name};
}

// -- the child ----------------------------------------------------------------

/// Runs one scenario and leaves its figures in a file.
void run_one(const scenario& what, const settings& how,
             const std::string& result) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  alarm(limit_of(how.quick));
  stage on{how};
  what.run(on);
  auto all = std::move(on).take();
  for (auto& x : all)
    x.scenario = what.name;
  write_text(result, to_json(all));
}

[[noreturn]] void be_child(const scenario& what, const settings& how,
                           const std::string& result) {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
  int status = 0;
  try {
    run_one(what, how, result);
  } catch (const std::exception& e) {
    std::cerr << "leasehold-bench: " << what.name << ": " << e.what() << '\n';
    status = 1;
  }
  std::cerr.flush();
  _exit(status);
}

// -- the parent ---------------------------------------------------------------

/// Returns the figures; nothing if it did not end well.
std::optional<std::vector<figure>> run_in_child(const scenario& what,
                                                settings how) {
  how.folder += "/" + what.name;
  fs::create_directories(how.folder);
  auto result = how.folder + ".json";
  auto pid = fork();
  if (pid == 0)
    be_child(what, how, result);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
    if (interrupted)
      kill(pid, SIGKILL);
  std::error_code ignored;
  fs::remove_all(how.folder, ignored);
  if (status != 0) {
    if (!interrupted)
      std::cerr << "leasehold-bench: " << what.name
                << (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM
                      ? " took too long"
                      : " failed")
                << '\n';
    return std::nullopt;
  }
  return figures_from(read_text(result));
}

bool needs_postgres(const bench_options& opts) {
  auto uses = [](const std::string& name) { return find(name).uses_store; };
  return std::find(opts.stores.begin(), opts.stores.end(), "postgres")
           != opts.stores.end()
         && std::any_of(opts.wanted.begin(), opts.wanted.end(), uses);
}

/// Figures, verdicts, and what they were measured on.
void write_report(const bench_options& opts, const std::string& folder,
                  const machine_facts& machine,
                  const std::vector<figure>& all) {
  auto verdicts = judge(all);
  using nlohmann::json;
  auto rows = json::array();
  auto maybe = [](std::optional<double> x) { return x ? json(*x) : json(); };
  for (const auto& x : verdicts)
    rows.push_back({{"what", x.what},
                    {"must", x.must},
                    {"unit", x.unit},
                    {"measured", maybe(x.measured)},
                    {"floor", maybe(x.floor)},
                    {"ratio", maybe(x.ratio)},
                    {"verdict", x.says},
                    {"note", x.note}});
  json out{{"machine", machine},
           {"verdicts", rows},
           {"figures", json::parse(to_json(all))}};
  write_text(opts.json, out.dump(1) + "\n");
  write_text(opts.page, make_page(machine, verdicts, all, folder));
  std::cout << '\n' << to_table(verdicts);
  std::cout << "\nfigures: " << opts.json << "\npage:    " << opts.page << '\n';
}

/// Before the work, not after it.
void check_writable(const std::string& path) {
  if (!std::ofstream{path, std::ios::app})
    throw std::invalid_argument{"cannot write " + path};
}

int run(const bench_options& opts) {
  check_writable(opts.json);
  check_writable(opts.page);
  work_folder folder;
  auto machine = look_at_machine();
  machine["mode"] = opts.quick ? "quick" : "full";
  settings how{opts.quick, opts.stores, folder.path()};
  std::unique_ptr<postgres_cluster> cluster;
  if (needs_postgres(opts)) {
    if (!postgres_cluster::is_here())
      throw std::invalid_argument{"there is no PostgreSQL server here; install "
                                  "the package postgresql, or use --store "
                                  "sqlite"};
    cluster = std::make_unique<postgres_cluster>(folder.path() + "/pg");
    how.postgres_folder = cluster->folder();
    how.postgres = cluster->process();
  }
  std::vector<figure> all;
  bool well = true;
  for (const auto& name : opts.wanted) {
    if (interrupted)
      break;
    std::cerr << "== " << name << '\n';
    auto begin = std::chrono::steady_clock::now();
    auto found = run_in_child(find(name), how);
    auto took = std::chrono::steady_clock::now() - begin;
    std::cerr << "   ("
              << std::chrono::duration_cast<std::chrono::seconds>(took).count()
              << " s)\n";
    well = well && found;
    if (found)
      all.insert(all.end(), found->begin(), found->end());
  }
  if (interrupted)
    return 130;
  write_report(opts, folder.path(), machine, all);
  return well ? 0 : 1;
}

} // namespace

int main(int argc, char** argv) {
  std::vector<std::string> words{argv + 1, argv + argc};
  try {
    auto opts = parse_options(words);
    if (opts.help) {
      std::cout << usage_text();
      return 0;
    }
    if (opts.list) {
      for (const auto& x : scenarios())
        std::cout << x.name << '\n';
      return 0;
    }
    struct sigaction quit {};
    quit.sa_handler = on_interrupt;
    sigaction(SIGINT, &quit, nullptr);
    sigaction(SIGTERM, &quit, nullptr);
    return run(opts);
  } catch (const std::invalid_argument& e) {
    std::cerr << "leasehold-bench: " << e.what() << '\n';
    return 2;
  } catch (const std::exception& e) {
    std::cerr << "leasehold-bench: " << e.what() << '\n';
    return 1;
  }
}
