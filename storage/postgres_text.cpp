#include "storage/postgres_text.hpp"

#include <cstdint>

namespace leasehold {

namespace {

/// How many bytes the character at the beginning of `x` has; zero if there is
/// none that can be stored.
size_t character_size(std::string_view x) {
  auto first = static_cast<unsigned char>(x.front());
  if (first < 0x80)
    return first == 0 ? 0 : 1;
  size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || x.size() < size)
    return 0;
  uint32_t code = first & (0x7fu >> size);
  for (size_t i = 1; i < size; ++i) {
    auto next = static_cast<unsigned char>(x[i]);
    if ((next & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (next & 0x3f);
  }
  auto too_long = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  auto surrogate = code >= 0xd800 && code < 0xe000;
  return too_long || surrogate || code > 0x10ffff ? 0 : size;
}

/// The first text that cannot be stored is told by its name.
class inspector {
public:
  inspector& text(const char* name, std::string_view x) {
    if (!bad_ && !is_storable(x))
      bad_ = name;
    return *this;
  }

  template <class Tag>
  inspector& text(const char* name, const id<Tag>& x) {
    return text(name, x.value);
  }

  inspector& text(const char* name, const json_text& x) {
    return text(name, x.text);
  }

  void operator()(const insert_lease& x) {
    auto& row = x.row;
    text("lease id", row.id).text("lease id", x.claims);
    text("company id", row.company).text("environment id", row.environment);
    text("workspace id", row.workspace).text("issue id", row.issue);
    text("run id", row.run).text("provider", row.provider);
    text("resource", row.resource).text("owner", row.owner);
    text("fingerprint", row.fingerprint).text("metadata", row.metadata);
  }

  void operator()(const reacquire_lease& x) {
    text("lease id", x.lease.id).text("run id", x.run).text("owner", x.owner);
  }

  void operator()(const activate_lease& x) {
    text("lease id", x.lease.id).text("resource", x.resource);
    text("metadata", x.metadata);
  }

  void operator()(const give_up_resource& x) {
    text("lease id", x.lease.id).text("lease id", x.claimed_from);
  }

  void operator()(const end_lease& x) {
    text("lease id", x.lease.id).text("resource", x.resource);
  }

  void operator()(const extend_lease& x) {
    text("lease id", x.lease.id);
  }

  void operator()(const describe_lease& x) {
    text("lease id", x.lease.id).text("metadata", x.metadata);
  }

  void operator()(const record_cleanup& x) {
    text("lease id", x.lease).text("resource", x.resource);
  }

  void operator()(const owe_cleanup& x) {
    text("lease id", x.lease);
  }

  void operator()(const open_breaker& x) {
    text("subject", x.row.subject.text);
  }

  void operator()(const close_breaker& x) {
    text("subject", x.subject.text);
  }

  void operator()(const take_fence& x) {
    text("lease id", x.lease).text("resource", x.resource);
  }

  void operator()(const await_run& x) {
    text("lease id", x.lease.id);
  }

  void operator()(const adopt_late& x) {
    text("lease id", x.lease).text("lease id", x.as);
    text("resource", x.resource);
  }

  void operator()(const confirm_gone& x) {
    text("lease id", x.lease);
  }

  void operator()(const prune_history&) {
    // nop
  }

  void operator()(const put_environment& x) {
    text("environment id", x.row.id).text("environment name", x.row.name);
    text("driver", x.row.driver).text("config", x.row.config);
    for (const auto& secret : x.secrets)
      (*this)(secret);
  }

  void operator()(const remove_environment& x) {
    text("environment id", x.id);
  }

  void operator()(const put_plugin& x) {
    text("plugin id", x.row.id).text("plugin key", x.row.key);
    text("version", x.row.version).text("manifest", x.row.manifest);
    text("config", x.row.config);
  }

  void operator()(const change_plugin& x) {
    text("plugin id", x.row.id).text("plugin key", x.row.key);
    text("version", x.row.version).text("manifest", x.row.manifest);
  }

  void operator()(const remove_plugin& x) {
    text("plugin id", x.id);
  }

  void operator()(const register_instance& x) {
    text("engine id", x.row.id).text("host", x.row.host);
  }

  void operator()(const put_secret& x) {
    text("secret id", x.row.id).text("secret name", x.row.name);
    text("company id", x.row.company);
  }

  void operator()(const add_secret_version& x) {
    text("secret id", x.secret);
  }

  void operator()(const set_secret_status& x) {
    text("secret id", x.secret);
  }

  void operator()(const set_secret_version_status& x) {
    text("secret id", x.secret);
  }

  void operator()(const bind_secret& x) {
    text("secret id", x.row.secret).text("company id", x.row.company);
    text("target", x.row.target_id).text("path", x.row.path);
  }

  void operator()(const unbind_secret& x) {
    text("company id", x.company).text("target", x.target_id);
    text("path", x.path);
  }

  void operator()(const remove_secret& x) {
    text("secret id", x.secret);
  }

  void operator()(const record_secret_access& x) {
    for (const auto& row : x.rows)
      text("path", row.path).text("target", row.target_id);
  }

  [[nodiscard]] const char* bad() const {
    return bad_;
  }

private:
  const char* bad_ = nullptr;
};

} // namespace

bool is_storable(std::string_view x) {
  while (!x.empty()) {
    auto size = character_size(x);
    if (size == 0)
      return false;
    x.remove_prefix(size);
  }
  return true;
}

std::string mended(std::string_view x) {
  if (is_storable(x))
    return std::string{x};
  std::string out;
  while (!x.empty()) {
    auto size = character_size(x);
    if (size == 0)
      out += "\xef\xbf\xbd";
    else
      out += x.substr(0, size);
    x.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::optional<failure> why_unfit(const store_write& x) {
  inspector all;
  std::visit(all, x);
  if (all.bad() == nullptr)
    return std::nullopt;
  return failure{ec::invalid_request,
                 std::string{"The "} + all.bad()
                   + " is not UTF-8 text, or has a NUL character in it, and "
                     "cannot be stored. Give another one."};
}

} // namespace leasehold
