#pragma once

// All boxes of one state directory.
//
//   <state>/boxes/<id>/   a box: box.json home/ tmp/ workspace/ etc/
//   <state>/new/          boxes in the making; renamed into boxes/ when whole
//   <state>/trash/        removed boxes; emptied when the time is there
//   <state>/lock          held by every worker that uses the directory
//   <state>/records       held by who changes a box.json
//
// The disk is the truth: nothing is remembered between two calls, so that a box
// that was removed behind our back is gone. Several workers may share a state
// directory; who starts alone clears away what others left behind.

#include "drivers/bubblewrap/box.hpp"
#include "drivers/unique_fd.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace leasehold::bubblewrap {

/// A box as found on disk.
struct found_box {
  std::string id;
  /// Nothing if the record is damaged.
  std::optional<box> record;
};

/// A box that was asked for.
struct made_box {
  box record;
  /// Whether it was made just now, and not found.
  bool fresh = false;
};

/// The names that a box for `lease` may have, in the order in which they are
/// tried; empty for an empty lease id.
std::vector<std::string> box_names(const lease_id& lease);

class box_store {
public:
  /// Opens a state directory, which is made if need be.
  static result<box_store> open(const std::string& state);

  /// Makes the box that `wanted` describes, except for its id; or finds it, if
  /// there is one for this lease already.
  result<made_box> create(box wanted, const std::string& hostname);

  /// Finds a box. `record` is empty for a damaged one.
  [[nodiscard]] std::optional<found_box> find(const std::string& id) const;

  [[nodiscard]] std::vector<found_box> list() const;

  /// Changes the record of a box; no other worker changes it meanwhile. What
  /// `how` throws changes nothing. Nothing if the box or its record is not
  /// there.
  result<std::optional<box>> change(const std::string& id,
                                    const std::function<void(box&)>& how);

  /// Takes the box out of sight and returns the name it has in the trash;
  /// empty if there is no such box.
  result<std::string> discard(const std::string& id);

  /// Deletes a piece of trash. Takes time and may be called from any thread.
  [[nodiscard]] std::function<result<>()> burn(const std::string& name) const;

  /// What lies in the trash, from now or from before.
  [[nodiscard]] std::vector<std::string> trash() const;

  /// Where a box is on the host.
  [[nodiscard]] std::string path_of(const std::string& id) const;

  [[nodiscard]] const std::string& state_path() const noexcept {
    return state_;
  }

private:
  box_store(std::string state, unique_fd lock, unique_fd records);

  void clear_leftovers();

  [[nodiscard]] std::vector<std::string> names_in(const char* room) const;

  /// Makes a whole box under a passing name and moves it to its own.
  result<bool> make(const box& record, const std::string& hostname);

  std::string state_;
  unique_fd lock_;
  unique_fd records_;
};

} // namespace leasehold::bubblewrap
