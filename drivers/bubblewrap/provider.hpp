#pragma once

// The bubblewrap provider: what each method of the wire does.

#include "drivers/background.hpp"
#include "drivers/bubblewrap/activities.hpp"
#include "drivers/bubblewrap/box_config.hpp"
#include "drivers/bubblewrap/box_store.hpp"
#include "drivers/bubblewrap/launch.hpp"
#include "drivers/worker_kit/worker_kit.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace leasehold::bubblewrap {

class sandbox_command;
struct command_request;

/// Answers the calls that `me` takes. Both live as long as the program.
class provider {
public:
  provider(kit::worker& me, box_store boxes);

  ~provider();

private:
  // -- configs (provider_config.cpp) ------------------------------------------

  void validate(const kit::call& what);

  void probe(const kit::call& what);

  // -- boxes (provider_boxes.cpp) ---------------------------------------------

  void acquire(const kit::call& what);

  void resume(const kit::call& what);

  void release(const kit::call& what);

  void destroy(const kit::call& what);

  void list(const kit::call& what);

  /// Ends what goes on in a box and removes it; then answers.
  void remove(const std::string& id, const kit::call& what);

  /// Ends what goes on in a box and keeps it for later; then answers.
  void park(const std::string& id, const kit::call& what);

  /// Removes what lies in the trash in the background.
  void burn(const std::string& name, std::function<void()> then = {});

  // -- work in boxes (provider_work.cpp) --------------------------------------

  void realize(const kit::call& what);

  void copy_in(const box& where, const std::string& from,
               const kit::call& what);

  void bind_in(const box& where, const std::string& from,
               const kit::call& what);

  /// Makes a folder of the host the workspace of a box; none: its own.
  void bind_to(const std::string& id, const std::string& folder);

  void execute(const kit::call& what);

  void run(const std::string& box, const std::string& execution,
           const kit::call& what, command_request request);

  void cancel(const kit::call& what);

  /// The box that `lease.providerLeaseId` names. Throws if it cannot be worked
  /// in.
  box open_box(const kit::json& params);

  // -- shared -----------------------------------------------------------------

  /// Writes down who holds the box from now on. Throws if somebody later does,
  /// or if it cannot be written; nothing if there is no such box any more.
  std::optional<box> take_over(const std::string& id, const kit::json& params);

  static box_config config_of(const kit::json& params);

  static std::string hostname_of(const box& of, const box_config& config);

  /// Where bubblewrap is. Throws if it is nowhere.
  static std::string program();

  kit::worker& me_;
  box_store boxes_;
  host_layout host_;
  activities activities_;
  /// By execution id.
  std::map<std::string, std::weak_ptr<sandbox_command>> commands_;
  background copying_;
  background burning_;
};

} // namespace leasehold::bubblewrap
