#pragma once

// The record of where a workspace was placed (PB §6), for every driver.

#include "messages/driver.hpp"
#include "messages/values.hpp"

#include <string>
#include <string_view>

namespace leasehold {

/// What a record is made from.
struct realization {
  /// `local`, `ssh`, `sandbox`, `plugin`.
  std::string driver;
  /// The lease's provider; empty: the driver's own, if it has one.
  std::string provider = {};
  /// What was asked for.
  place_workspace asked;
  /// Where commands will find the workspace, as far as the driver knows; may
  /// be empty.
  std::string cwd = {};
  /// What the provider said of it.
  json_text provider_metadata = {};
};

/// A record, and what callers need of it.
struct workspace_record {
  /// A JSON object, as PB §6.3 has it.
  json_text record;
  /// Where commands find the workspace: the remote path, else the local one.
  std::string path;
  /// Whether the workspace is used where it is, and nothing is copied.
  bool in_place = false;
  std::string summary;
};

/// Builds the record. Pure; never fails: what is not there is null.
workspace_record build_workspace_record(const realization& what);

/// `provider_metadata` with the record under `workspaceRealization`.
json_text with_record(const json_text& provider_metadata,
                      const workspace_record& what);

} // namespace leasehold
