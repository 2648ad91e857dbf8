#pragma once

// What drivers see of the secrets: a way to the STORE, and to the box that
// opens what lies there.

#include "actors/front_actor.hpp"
#include "actors/services.hpp"
#include "drivers/secret_source.hpp"
#include "messages/protocols.hpp"
#include "storage/secret_box.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace leasehold {

/// Asks the STORE about secrets in the name of drivers, decides by
/// secret_rules.hpp, puts every access on record, and unseals on an actor's
/// thread. Drivers are made before the actors are, so the gate opens later;
/// until then, and once it is closed, every call fails with `shutting_down`.
class secret_gate : public secret_source {
public:
  /// `asks` asks in the gate's name; nobody else waits behind it.
  void open(front_ptr asks, store_actor store, services_ptr with,
            std::shared_ptr<secret_box> box);

  void close();

  void resolve(std::vector<secret_request> what,
               completion<std::vector<std::string>> then) override;

  void check(std::vector<secret_request> what, completion<> then) override;

private:
  /// What an open gate leads to. Answers hold on to it.
  struct way {
    front_ptr asks;
    store_actor store;
    services_ptr with;
    std::shared_ptr<secret_box> box;
  };

  using way_ptr = std::shared_ptr<const way>;
  using value_list = std::vector<std::string>;

  /// Values that are not for use are opened, but no access is on record.
  void ask(std::vector<secret_request> what, completion<value_list> then,
           bool for_use);

  /// Looks up where the secret is bound to the plugin that asks, then opens it.
  static void find_place(const way_ptr& here, const secret_request& what,
                         completion<value_list> then);

  /// Asks the STORE what it knows of these secrets, then opens them.
  static void open_with_facts(const way_ptr& here,
                              std::vector<secret_request> what,
                              completion<value_list> once, bool for_use);

  static result<value_list> open_all(const way& here,
                                     const std::vector<secret_request>& what,
                                     const std::vector<secret_facts>& facts,
                                     bool for_use);

  static void record(const way& here, std::vector<secret_access_row> rows);

  std::mutex mutex_;
  way_ptr way_;
};

} // namespace leasehold
