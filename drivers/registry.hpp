#pragma once

// The one list of drivers.

#include "drivers/driver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace leasehold {

class io_loop;
class process_launcher;
class secret_source;
class worker_channel;

/// What drivers are made of. The references must outlive the drivers.
struct driver_services {
  process_launcher& launcher;
  io_loop& loop;
  worker_channel& workers;
  /// Path of the program that ends a local command with all it started.
  std::string guard;
  /// Whether environments of the built-in `fake` provider may be saved.
  bool allow_fake = false;
  /// Takes resources that came up after their acquire had timed out.
  std::function<void(late_resource)> late;
  /// How long a worker's answer is waited for where nobody says otherwise.
  milliseconds call_timeout{30'000};
  /// Values of secrets. Null only where no driver needs any.
  secret_source* secrets = nullptr;
  /// How much longer than its call an acquire is waited for.
  milliseconds acquire_margin{5'000};
};

/// The drivers of one engine. Immutable once made; thread-safe.
class driver_table {
public:
  void add(std::shared_ptr<driver> what);

  /// The driver of this key; null if there is none.
  [[nodiscard]] driver* find(std::string_view key) const;

  /// The driver that made a resource of this `provider` of a lease's row.
  [[nodiscard]] driver* of_provider(std::string_view provider) const;

  /// Every key, for messages: `local, sandbox, ssh`.
  [[nodiscard]] std::string keys() const;

private:
  std::map<std::string, std::shared_ptr<driver>, std::less<>> drivers_;
};

/// Makes every driver there is.
driver_table make_drivers(const driver_services& services);

} // namespace leasehold
