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

/// What callers are told of a workspace that was placed: at `cwd`, or where the
/// record says if that is empty; with the provider's metadata, and the record
/// under `workspaceRealization`.
workspace_realized realized_by(const workspace_record& what,
                               const json_text& provider_metadata = {},
                               std::string cwd = {});

/// The metadata of a workspace with the request of PB §6.1 in it: the caller's,
/// or one that says what is known. Records are made from it, and providers see
/// it.
json_text with_request(const place_workspace& what);

} // namespace leasehold
