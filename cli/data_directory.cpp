// Where the program keeps its records.

#include "cli/data_directory.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace leasehold::cli {

namespace {

namespace fs = std::filesystem;

failure unusable(const fs::path& where, const std::string& why) {
  return {ec::store_unusable,
          "The data directory " + where.string() + " cannot be used: " + why
            + ".",
          {}};
}

std::string reason_of(int number) {
  return std::generic_category().message(number);
}

} // namespace

std::string environment_variable(const std::string& name) {
  auto* value = std::getenv(name.c_str());
  return value ? value : "";
}

result<fs::path> choose_data_directory(const std::string& option,
                                       const variable_lookup& look) {
  fs::path chosen;
  if (!option.empty()) {
    chosen = option;
  } else if (auto own = look("LEASEHOLD_DATA"); !own.empty()) {
    chosen = own;
  } else if (fs::path xdg = look("XDG_DATA_HOME"); xdg.is_absolute()) {
    // The XDG rules say to ignore a relative path.
    chosen = xdg / "leasehold";
  } else if (fs::path home = look("HOME"); home.is_absolute()) {
    chosen = home / ".local" / "share" / "leasehold";
  } else {
    return failure{ec::invalid_request,
                   "There is no place for the data directory: neither --data, "
                   "LEASEHOLD_DATA, XDG_DATA_HOME nor HOME says where.",
                   {}};
  }
  std::error_code problem;
  auto absolute = fs::absolute(chosen, problem);
  if (problem)
    return unusable(chosen, problem.message());
  return absolute.lexically_normal();
}

result<done> prepare_data_directory(const fs::path& where) {
  std::error_code problem;
  if (!fs::is_directory(where, problem)) {
    auto path = where.has_filename() ? where : where.parent_path();
    fs::create_directories(path.parent_path(), problem);
    if (problem)
      return unusable(where, problem.message());
    // EEXIST: somebody was faster, or something else has that name.
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
      return unusable(where, reason_of(errno));
    if (!fs::is_directory(where, problem))
      return unusable(where, "it is not a directory");
  }
  if (access(where.c_str(), R_OK | W_OK | X_OK) != 0)
    return unusable(where, reason_of(errno));
  return done{};
}

} // namespace leasehold::cli
