#include "drivers/bubblewrap/box.hpp"

#include "drivers/worker_kit/disk.hpp"

#include <nlohmann/json.hpp>
#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iterator>

namespace leasehold::bubblewrap {

namespace {

using nlohmann::json;

constexpr const char* record_name = "/box.json";

json to_json(const box& x) {
  return {{"version", 1},
          {"id", x.id},
          {"leaseId", x.lease.value},
          {"leaseFence", x.fence},
          {"companyId", x.company.value},
          {"environmentId", x.environment.value},
          {"runId", x.run.value},
          {"created", x.created},
          {"state", to_string(x.state)},
          {"boundWorkspace", x.bound_workspace}};
}

std::string to_text(const box& x) {
  return to_json(x).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

/// Throws if anything is missing or of the wrong type.
box from_json(const json& x) {
  box out;
  x.at("id").get_to(out.id);
  x.at("leaseId").get_to(out.lease.value);
  x.at("leaseFence").get_to(out.fence);
  x.at("companyId").get_to(out.company.value);
  x.at("environmentId").get_to(out.environment.value);
  x.at("runId").get_to(out.run.value);
  x.at("created").get_to(out.created);
  if (x.at("state") == "parked")
    out.state = box_state::parked;
  x.at("boundWorkspace").get_to(out.bound_workspace);
  return out;
}

result<> make_directory(const std::string& path, mode_t mode) {
  // The second call is for the sticky bit and against the umask.
  if (::mkdir(path.c_str(), mode) != 0 || ::chmod(path.c_str(), mode) != 0)
    return kit::disk_failure("cannot create", path, errno);
  return done{};
}

} // namespace

std::string to_string(box_state state) {
  return state == box_state::parked ? "parked" : "active";
}

result<> furnish(const std::string& path, const std::string& hostname) {
  for (auto [name, mode] : {std::pair{"/home", 0755},
                            {"/tmp", 01777},
                            {"/workspace", 0755},
                            {"/etc", 0755}})
    if (auto made = make_directory(path + name, static_cast<mode_t>(mode));
        !made)
      return made;
  auto passwd = "root:x:0:0:root:/:/usr/sbin/nologin\n"
                "runner:x:1000:1000:runner:/home/runner:/bin/sh\n"
                "nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n";
  auto group = "root:x:0:\nrunner:x:1000:\nnogroup:x:65534:\n";
  auto hosts = "127.0.0.1 localhost " + hostname + "\n::1 localhost\n";
  for (const auto& [name, text] :
       {std::pair<std::string, std::string>{"/etc/passwd", passwd},
        {"/etc/group", group},
        {"/etc/hosts", hosts}})
    if (auto written = kit::write_file(path + name, text); !written)
      return written;
  return done{};
}

std::optional<box> read_box(const std::string& path) {
  std::ifstream file{path + record_name, std::ios::binary};
  if (!file)
    return std::nullopt;
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  try {
    return from_json(json::parse(text));
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

result<> write_box(const std::string& path, const box& record) {
  return kit::write_file(path + record_name, to_text(record));
}

result<> replace_box(const std::string& path, const box& record) {
  return kit::replace_file(path + record_name, to_text(record));
}

} // namespace leasehold::bubblewrap
