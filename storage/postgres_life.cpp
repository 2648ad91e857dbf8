#include "storage/postgres_life.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

namespace leasehold {

namespace {

using postgres::parameters;

/// How long to wait before connecting again, or asking for the lock again.
constexpr auto pause = milliseconds{200};

// A lock per engine; the number is as good as unique.
const std::string take_lock_sql
  = "SELECT pg_try_advisory_lock(hashtextextended('leasehold ' || $1::text, "
    "0))";

const std::string put_life_sql
  = "INSERT INTO engine_lives (id, process) VALUES ($1::text, $2::text) "
    "ON CONFLICT (id) DO UPDATE SET process = excluded.process";

const std::string find_lives_sql = R"(
SELECT e.id, e.process, EXISTS (
  SELECT FROM pg_locks k
  WHERE k.locktype = 'advisory' AND k.granted AND k.objsubid = 1
    AND k.mode = 'ExclusiveLock'
    AND k.database
      = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND ((k.classid::bigint << 32) | k.objid::bigint)
      = hashtextextended('leasehold ' || e.id, 0))
FROM engine_lives e WHERE e.id = ANY ($1::text[]))";

// -- processes ----------------------------------------------------------------

/// What we know of a process: where it runs, and which one it is.
struct process {
  /// The machine since it was started, and the name space of process ids.
  std::string machine;
  int64_t pid = 0;
  /// When it was started, in ticks of its machine.
  std::string started;
};

/// The state of a process and when it was started; empty if nobody says.
std::pair<std::string, std::string> look_at(int64_t pid) {
  std::ifstream file{"/proc/" + std::to_string(pid) + "/stat"};
  std::string text;
  std::getline(file, text);
  // pid (program) state …; the program may hold anything.
  auto end = text.rfind(')');
  if (end == std::string::npos)
    return {};
  std::istringstream rest{text.substr(end + 1)};
  std::string state;
  std::string started;
  rest >> state;
  // The 22nd field of all.
  for (int field = 4; field <= 22; ++field)
    rest >> started;
  return {state, started};
}

process this_process() {
  std::ifstream file{"/proc/sys/kernel/random/boot_id"};
  std::string boot;
  file >> boot;
  std::error_code failed;
  auto space = std::filesystem::read_symlink("/proc/self/ns/pid", failed);
  process out{{}, getpid(), look_at(getpid()).second};
  // Without either nobody can tell our processes from others.
  if (!boot.empty() && !failed)
    out.machine = boot + "/" + space.string();
  return out;
}

std::string to_text(const process& x) {
  return (x.machine.empty() ? "?" : x.machine) + " " + std::to_string(x.pid)
         + " " + x.started;
}

/// Whether this process has run here, and has ended.
bool has_ended_here(const std::string& text) {
  process x;
  std::istringstream{text} >> x.machine >> x.pid >> x.started;
  if (x.machine != this_process().machine || x.pid <= 0)
    return false;
  if (kill(static_cast<pid_t>(x.pid), 0) != 0)
    return errno == ESRCH;
  auto [state, started] = look_at(x.pid);
  return state == "Z" || state == "X"
         || (!started.empty() && started != x.started);
}

// -- life ---------------------------------------------------------------------

class session_life : public postgres_life {
public:
  session_life(postgres_url url, instance_id self,
               std::function<void(postgres::connection&)> prepare,
               life_options life)
    : url_{std::move(url)}, self_{std::move(self)},
      prepare_{std::move(prepare)}, life_{std::move(life)}, stop_{eventfd(
                                                              0, EFD_CLOEXEC)} {
    if (stop_ < 0)
      throw std::system_error{errno, std::generic_category(), "eventfd"};
  }

  ~session_life() override {
    uint64_t one = 1;
    [[maybe_unused]] auto told = write(stop_, &one, sizeof one);
    if (watch_.joinable())
      watch_.join();
    leave();
    close(stop_);
  }

  session_life(const session_life&) = delete;
  session_life& operator=(const session_life&) = delete;

  /// Whether nobody else has this name. Throws `postgres::error`.
  bool begin() {
    connect();
    if (!lock())
      return false;
    begun_ = locked_ = true;
    seen_at_ = steady::now();
    watch_ = std::thread{[this] { run(); }};
    return true;
  }

private:
  using steady = std::chrono::steady_clock;

  void connect() {
    // A network that swallows everything must not hold us up for long.
    auto patience = std::max<int64_t>(1, life_.grace.count() * 2 / 5);
    auto fresh = std::make_unique<postgres::connection>(
      url_.conninfo + " tcp_user_timeout='" + std::to_string(patience) + "'");
    prepare_(*fresh);
    session_ = std::move(fresh);
  }

  /// Takes the lock. If an old session of ours has it still, others see that
  /// one; its end is only a matter of time.
  bool lock() {
    bool taken = false;
    auto answer = session_->run(take_lock_sql, parameters{self_});
    answer.next();
    answer.read(taken);
    if (taken)
      session_->run(put_life_sql, parameters{self_, to_text(this_process())});
    return taken;
  }

  void run() {
    while (!wait()) {
      try {
        look_after();
      } catch (const postgres::error&) {
        locked_ = false;
        session_.reset();
      }
      tell();
    }
  }

  /// Makes sure of the session and the lock. Throws `postgres::error`.
  void look_after() {
    auto begun = steady::now();
    if (!session_ || session_->lost()) {
      locked_ = false;
      connect();
    }
    if (locked_) {
      session_->listen();
      session_->run("SELECT 1");
    } else {
      locked_ = lock();
      relocked_ = locked_;
    }
    if (locked_)
      seen_at_ = begun;
  }

  /// Says what has become of us, if it is news.
  void tell() {
    auto alone = steady::now() - seen_at_;
    auto news = std::optional<life_sign>{};
    if (std::exchange(relocked_, false))
      news = life_sign::back;
    else if (!locked_ && !told_lost_ && alone >= life_.grace * 3 / 5)
      news = life_sign::lost;
    if (!news)
      return;
    told_lost_ = *news == life_sign::lost;
    if (life_.on_sign)
      life_.on_sign(*news);
  }

  /// Waits for something from the server, or for the next moment to look.
  /// Returns whether we are to stop.
  bool wait() const {
    auto timeout
      = locked_ ? life_.grace / 5
                : std::min(pause, std::max(life_.grace / 10, milliseconds{1}));
    auto file = locked_ && session_ ? session_->socket() : -1;
    pollfd both[] = {{stop_, POLLIN, 0}, {file, POLLIN, 0}};
    return poll(both, 2, static_cast<int>(timeout.count())) > 0
           && (both[0].revents & POLLIN) != 0;
  }

  /// Says that we have left, if anybody listens.
  void leave() noexcept {
    try {
      if (session_ && begun_)
        session_->run("DELETE FROM engine_lives WHERE id = $1::text",
                      parameters{self_});
    } catch (const postgres::error&) {
      // Others find out by themselves.
    }
  }

  postgres_url url_;
  instance_id self_;
  std::function<void(postgres::connection&)> prepare_;
  life_options life_;
  int stop_;
  std::unique_ptr<postgres::connection> session_;
  bool begun_ = false;
  bool locked_ = false;
  /// Whether the lock is ours again since we looked last.
  bool relocked_ = false;
  bool told_lost_ = false;
  /// When we last began to ask, and were told that the lock is ours.
  steady::time_point seen_at_;
  std::thread watch_;
};

} // namespace

result<std::unique_ptr<postgres_life>>
show_life(const postgres_url& url, const instance_id& self,
          std::function<void(postgres::connection&)> prepare,
          life_options how) {
  auto life = std::make_unique<session_life>(url, self, std::move(prepare),
                                             std::move(how));
  if (!life->begin())
    return failure{ec::already_exists,
                   "An engine with the id \"" + self.value
                     + "\" is already running. Give every engine an id of its "
                       "own."};
  return std::unique_ptr<postgres_life>{std::move(life)};
}

// -- death --------------------------------------------------------------------

postgres_coroner::postgres_coroner(milliseconds grace) : grace_{grace} {
  // nop
}

std::vector<instance_id>
postgres_coroner::find_dead(postgres::connection& db,
                            const std::vector<instance_id>& suspects) {
  if (suspects.empty())
    return {};
  postgres::array ids;
  for (const auto& who : suspects)
    ids.add(who);
  auto found = db.run(find_lives_sql, parameters{ids.text()});
  auto dead = suspects;
  while (found.next()) {
    instance_id who;
    std::string process;
    auto locked = false;
    found.read(who, process, locked);
    if (locked)
      missed_since_.erase(who);
    auto ended = has_ended_here(process) || (!locked && gone_for_long(who));
    if (!ended)
      std::erase(dead, who);
  }
  return dead;
}

bool postgres_coroner::gone_for_long(const instance_id& who) {
  auto now = steady::now();
  auto since = missed_since_.try_emplace(who, now).first->second;
  return now - since >= grace_;
}

} // namespace leasehold
