#pragma once

// The environments that every seed has, and what may be expected of each.

#include "messages/environment_use.hpp"
#include "messages/values.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace leasehold::sim {

struct place {
  /// Its config, as in the database.
  std::string config;
  /// The program that serves it; empty if none does.
  std::string program = "boxes";
  /// Whether a run that asks again may get what it has.
  bool reuses = false;
  /// What the config says about who gets in.
  admission_limits limits = {};
  /// How long a parked resource waits; zero: for ever.
  milliseconds parked_ttl{0};
};

/// By the numbers that plans use.
const std::vector<place>& places();

/// Those that say nothing special.
inline constexpr size_t plain_places = 7;
/// Has room for two, one after the other.
inline constexpr size_t narrow_place = 7;
/// Has room for one, and uses again what there is.
inline constexpr size_t single_place = 8;
/// Keeps what is parked for some seconds.
inline constexpr size_t brief_place = 9;
/// The one whose provider may rave.
inline constexpr size_t raving_place = 2;

/// The provider that may.
inline constexpr const char* raving_program = "crates";

/// The number of an environment, by its id.
size_t number_of(const environment_id& which);

} // namespace leasehold::sim
