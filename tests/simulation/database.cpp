#include "tests/simulation/database.hpp"

#include "storage/sqlite_store.hpp"
#include "tests/simulation/places.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>
#include <utility>
#include <variant>

namespace leasehold::sim {

namespace {

constexpr const char* path = "/leasehold-simulation";

/// When simulated time begins, in milliseconds since the Unix epoch.
constexpr int64_t beginning = 1'700'000'000'000;

constexpr const char* manifest_of_boxes = R"({
  "id": "boxes.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Boxes", "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [{"driverKey": "boxes", "kind": "sandbox_provider"}]})";

constexpr const char* manifest_of_crates = R"({
  "id": "crates.plugin", "apiVersion": 1, "version": "1.0.0",
  "displayName": "Crates", "capabilities": ["environment.drivers.register"],
  "environmentDrivers": [
    {"driverKey": "crates", "kind": "sandbox_provider"}]})";

plugin_row plugin(const std::string& name, const char* manifest) {
  plugin_row out;
  out.id = {"plugin-" + name};
  out.key = name + ".plugin";
  out.version = "1.0.0";
  out.manifest = json_text{manifest};
  out.command = {name};
  return out;
}

environment_row environment(size_t number) {
  environment_row out;
  out.id = {"env-" + std::to_string(number)};
  out.name = "place-" + std::to_string(number);
  out.driver = "sandbox";
  out.config = json_text{places().at(number).config};
  return out;
}

// SQLite's memory comes from `new`, which the simulator's program makes quick.
// Each block begins with its size.

constexpr size_t block_head = 16;

void* take_block(int size) {
  auto* raw = static_cast<char*>(operator new(
    static_cast<size_t>(size) + block_head, std::nothrow));
  if (!raw)
    return nullptr;
  std::memcpy(raw, &size, sizeof(size));
  return raw + block_head;
}

int size_of_block(void* what) {
  int size = 0;
  if (what)
    std::memcpy(&size, static_cast<char*>(what) - block_head, sizeof(size));
  return size;
}

void drop_block(void* what) {
  if (what)
    operator delete(static_cast<char*>(what) - block_head);
}

void* resize_block(void* what, int size) {
  auto* out = take_block(size);
  if (out && what)
    std::memcpy(out, what,
                static_cast<size_t>(std::min(size, size_of_block(what))));
  if (out)
    drop_block(what);
  return out;
}

/// There is one thread: locks and counters cost a tenth of a simulation.
/// Without effect once SQLite is in use.
std::unique_ptr<sqlite::connection> open_alone() {
  static sqlite3_mem_methods memory{take_block,
                                    drop_block,
                                    resize_block,
                                    size_of_block,
                                    [](int size) { return (size + 7) & ~7; },
                                    [](void*) { return SQLITE_OK; },
                                    [](void*) {},
                                    nullptr};
  static const auto without_locks
    = sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) == SQLITE_OK
      && sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) == SQLITE_OK
      && sqlite3_config(SQLITE_CONFIG_MALLOC, &memory) == SQLITE_OK;
  std::ignore = without_locks;
  return std::make_unique<sqlite::connection>(path, milliseconds{0}, true);
}

} // namespace

database::database() : keeper_{open_alone()} {
  static const agenda nothing_planned;
  clock_ = &nothing_planned;
  of(1);
  furnish();
  remember();
}

std::shared_ptr<store> database::open(const instance_id& self) {
  sqlite_settings settings;
  settings.in_memory = true;
  settings.is_dead = [this](const instance_id& who) { return is_buried(who); };
  auto clock = [this] { return now(); };
  return open_sqlite_store(path, self, clock, std::move(settings)).value();
}

void database::furnish() {
  std::vector<store_write> all;
  for (size_t i = 0; i < places().size(); ++i)
    all.emplace_back(put_environment{environment(i)});
  all.emplace_back(put_plugin{plugin("boxes", manifest_of_boxes)});
  all.emplace_back(put_plugin{plugin("crates", manifest_of_crates)});
  for (const auto& outcome : of(1).apply(all))
    outcome.value();
}

void database::remember() {
  keeper_->execute("PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY; "
                   "PRAGMA secure_delete = OFF");
  std::vector<std::string> tables;
  {
    sqlite::statement all{*keeper_,
                          "SELECT name FROM sqlite_schema WHERE type = 'table' "
                          "AND name NOT LIKE 'sqlite_%' ORDER BY name"};
    auto found = all.ask();
    for (std::string name; found.next(); tables.push_back(name))
      found.read(name);
  }
  auto then
    = [this](const std::string& sql) { wipe_.emplace_back(*keeper_, sql); };
  then("BEGIN");
  for (const auto& name : tables) {
    then("DELETE FROM " + name);
    if (keeper_->number("SELECT count(*) FROM " + name) == 0)
      continue;
    keeper_->execute("CREATE TEMP TABLE first_" + name + " AS SELECT * FROM "
                     + name);
    then("INSERT INTO " + name + " SELECT * FROM first_" + name);
  }
  then("COMMIT");
}

void database::reset(const agenda& clock) {
  clock_ = &clock;
  buried_.clear();
  for (auto& step : wipe_)
    step.run();
}

store& database::of(size_t engine) {
  while (stores_.size() < engine)
    stores_.push_back(open(name_of(stores_.size() + 1)));
  return *stores_.at(engine - 1);
}

instance_id database::name_of(size_t engine) {
  return {"engine-" + std::to_string(engine)};
}

void database::bury(const instance_id& who, milliseconds when) {
  buried_.emplace(who, when);
}

bool database::is_buried(const instance_id& who) const {
  auto pos = buried_.find(who);
  return pos != buried_.end() && pos->second <= clock_->now();
}

timestamp database::now() const {
  return {beginning + clock_->now().count()};
}

std::optional<lease_row> database::row(const lease_id& which) {
  auto found = of(1).read(get_lease{which.value});
  if (!found)
    return std::nullopt;
  return std::move(std::get<lease_rows>(*found).rows.front());
}

std::vector<lease_row> database::rows() {
  auto found = of(1).read(list_leases{}).value();
  return std::move(std::get<lease_rows>(found).rows);
}

} // namespace leasehold::sim
