#pragma once

// What a worker remembers of fences: the latest one that each resource has
// seen. Whoever comes with an older one has been replaced as its holder.

#include "drivers/unique_fd.hpp"
#include "drivers/worker_kit/call.hpp"
#include "messages/result.hpp"
#include "messages/values.hpp"

#include <map>
#include <memory>
#include <string>

namespace leasehold::kit {

/// Fails a call whose fence is older than `latest`; nothing if it is not.
void refuse_older(const std::string& resource, fence_no fence, fence_no latest);

/// Remembers fences. Loop thread only.
class fence_keeper {
public:
  virtual ~fence_keeper() = default;

  /// Lets a call on a resource pass and remembers its fence before it returns.
  /// Throws `rpc_error` with `stale_fence` if a later one has been seen.
  virtual void pass(const std::string& resource, fence_no fence) = 0;

  /// The resource is gone.
  virtual void forget(const std::string& resource) = 0;

  /// Whether what it remembers outlives the worker.
  [[nodiscard]] virtual bool lasts() const noexcept = 0;
};

/// Remembers for as long as the worker lives.
class passing_fences : public fence_keeper {
public:
  void pass(const std::string& resource, fence_no fence) override;

  void forget(const std::string& resource) override;

  [[nodiscard]] bool lasts() const noexcept override {
    return false;
  }

private:
  std::map<std::string, fence_no> latest_;
};

/// Remembers in a folder, one small file per resource. Several workers may
/// share it.
class lasting_fences : public fence_keeper {
public:
  /// Makes the folder if need be.
  static result<std::shared_ptr<lasting_fences>>
  open(const std::string& folder);

  void pass(const std::string& resource, fence_no fence) override;

  void forget(const std::string& resource) override;

  [[nodiscard]] bool lasts() const noexcept override {
    return true;
  }

private:
  lasting_fences(std::string folder, unique_fd lock);

  [[nodiscard]] std::string path_of(const std::string& resource) const;

  std::string folder_;
  unique_fd lock_;
};

/// Holds an flock'ed file for as long as it lives: nobody else changes what it
/// guards.
class file_lock {
public:
  explicit file_lock(int file);

  file_lock(const file_lock&) = delete;

  file_lock& operator=(const file_lock&) = delete;

  ~file_lock();

private:
  int file_;
};

} // namespace leasehold::kit
