#include "tests/faults/store_trips.hpp"

#include "actors/engine_store.hpp"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <mutex>
#include <utility>
#include <variant>

namespace leasehold {

namespace faults {

namespace {

std::mutex guard;
std::string armed;

std::string name_of(const store_write& what) {
  if (const auto* insert = std::get_if<insert_lease>(&what))
    return insert->claims.empty() ? "intent" : "claim";
  if (std::holds_alternative<activate_lease>(what))
    return "grant";
  if (std::holds_alternative<end_lease>(what))
    return "end";
  if (std::holds_alternative<record_cleanup>(what))
    return "cleanup";
  if (std::holds_alternative<owe_cleanup>(what))
    return "owe";
  if (std::holds_alternative<register_instance>(what))
    return "register";
  return "other";
}

void pass(const char* side, std::span<const store_write> batch) {
  std::string place;
  {
    std::lock_guard lock{guard};
    place = armed;
  }
  if (place.empty())
    return;
  for (const auto& what : batch)
    if (side + name_of(what) == place)
      ::kill(::getpid(), SIGKILL);
}

class tripping_store final : public store {
public:
  explicit tripping_store(std::unique_ptr<store> real)
    : real_{std::move(real)} {
    // nop
  }

  std::vector<result<written>>
  apply(std::span<const store_write> batch) override {
    pass("before.", batch);
    auto out = real_->apply(batch);
    pass("after.", batch);
    return out;
  }

  [[nodiscard]] bool writes_beside() const override {
    return real_->writes_beside();
  }

  std::vector<result<written>>
  apply_beside(std::span<const store_write> batch) override {
    pass("before.", batch);
    auto out = real_->apply_beside(batch);
    pass("after.", batch);
    return out;
  }

  result<store_answer> read(const store_query& question) override {
    return real_->read(question);
  }

private:
  std::unique_ptr<store> real_;
};

using opened = result<std::unique_ptr<store>>;

opened wrapped(opened real) {
  if (!real)
    return real;
  return std::unique_ptr<store>{
    std::make_unique<tripping_store>(std::move(real).value())};
}

} // namespace

void arm_store(const std::string& place) {
  std::lock_guard lock{guard};
  armed = place;
}

} // namespace faults

// -- in the place of the engine's own: actors/engine_store.hpp ----------------

result<std::unique_ptr<store>> open_engine_store(const options& x,
                                                 const instance_id& self,
                                                 life_options life) {
  if (x.store.starts_with("postgres"))
    return faults::wrapped(open_postgres_store(x.store, self, std::move(life)));
  auto now = [] {
    auto since = std::chrono::system_clock::now().time_since_epoch();
    return timestamp{std::chrono::duration_cast<milliseconds>(since).count()};
  };
  return faults::wrapped(open_sqlite_store(x.store, self, now));
}

} // namespace leasehold
