#pragma once

// Where private keys and control sockets are while SSH needs them.

#include "drivers/unique_fd.hpp"
#include "messages/result.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace leasehold::ssh {

/// Folders that may hold private ones, the best first: memory, where there is
/// any that files can be kept in; else the temporary folder, where a private
/// key is on disk for as long as a login takes.
std::vector<std::filesystem::path> private_places();

/// A folder that only this user can enter. It is locked while it is in use, so
/// that what a killed engine left behind can be told and removed. Goes with
/// everything in it.
class private_folder {
public:
  /// Makes one in the first of `places` that can be written to.
  static result<private_folder>
  make(const std::vector<std::filesystem::path>& places);

  private_folder(private_folder&& other) noexcept;

  private_folder& operator=(private_folder&& other) = delete;

  ~private_folder();

  /// The path of something in it.
  [[nodiscard]] std::string operator/(std::string_view name) const;

  /// Writes a file that only this user can read.
  [[nodiscard]] result<> write(std::string_view name,
                               std::string_view content) const;

  /// Removes a file; harmless if there is none.
  void remove(std::string_view name) const;

private:
  private_folder(std::filesystem::path path, unique_fd lock);

  std::filesystem::path path_;
  unique_fd lock_;
};

/// Removes the folders of engines that are gone.
void sweep_private_folders(const std::vector<std::filesystem::path>& places);

} // namespace leasehold::ssh
