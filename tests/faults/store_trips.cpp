#include "tests/faults/store_trips.hpp"

#include "storage/store.hpp"

#include <unistd.h>

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

// -- what the linker puts around the real ones --------------------------------

result<std::unique_ptr<store>>
real_sqlite(const std::string& path, const instance_id& self,
            store_clock clock) asm("__real_" LEASEHOLD_OPEN_SQLITE);

result<std::unique_ptr<store>>
tripping_sqlite(const std::string& path, const instance_id& self,
                store_clock clock) asm("__wrap_" LEASEHOLD_OPEN_SQLITE);

result<std::unique_ptr<store>>
real_postgres(const std::string& url,
              const instance_id& self) asm("__real_" LEASEHOLD_OPEN_POSTGRES);

result<std::unique_ptr<store>> tripping_postgres(
  const std::string& url,
  const instance_id& self) asm("__wrap_" LEASEHOLD_OPEN_POSTGRES);

result<std::unique_ptr<store>> tripping_sqlite(const std::string& path,
                                               const instance_id& self,
                                               store_clock clock) {
  return faults::wrapped(real_sqlite(path, self, std::move(clock)));
}

result<std::unique_ptr<store>> tripping_postgres(const std::string& url,
                                                 const instance_id& self) {
  return faults::wrapped(real_postgres(url, self));
}

} // namespace leasehold
