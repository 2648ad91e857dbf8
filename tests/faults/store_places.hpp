#pragma once

// The places where a trip wire can be laid around the store (store_trips.hpp).

#include <string>
#include <vector>

namespace leasehold::faults {

inline const std::vector<std::string>& store_places() {
  static const std::vector<std::string> all{
    "before.intent",  "after.intent",  "before.claim", "after.claim",
    "before.grant",   "after.grant",   "before.end",   "after.end",
    "before.cleanup", "after.cleanup", "before.owe",   "after.owe"};
  return all;
}

} // namespace leasehold::faults
