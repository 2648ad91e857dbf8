#include "drivers/bubblewrap/box_config.hpp"

#include <algorithm>
#include <string_view>

namespace leasehold::bubblewrap {

namespace {

using nlohmann::json;

bool has_nul(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

bool is_hostname(const std::string& text) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  };
  return !text.empty() && text.size() <= 63
         && std::all_of(text.begin(), text.end(), allowed);
}

/// Reads one field after the other and collects what is wrong.
class reader {
public:
  explicit reader(const json& source) : source_{source} {
    if (!source.is_object())
      complain("", "must be an object");
  }

  void flag(const char* name, bool& out) {
    if (auto* value = take(name)) {
      if (value->is_boolean())
        out = value->get<bool>();
      else
        complain(name, "must be true or false");
    }
  }

  std::optional<uint64_t> number(const char* name, uint64_t least,
                                 uint64_t most) {
    auto* value = take(name);
    if (!value)
      return std::nullopt;
    if (value->is_number_unsigned() && value->get<uint64_t>() >= least
        && value->get<uint64_t>() <= most)
      return value->get<uint64_t>();
    complain(name, "must be a whole number from " + std::to_string(least)
                     + " to " + std::to_string(most));
    return std::nullopt;
  }

  void workspace(const char* name, workspace_mode& out) {
    auto* value = take(name);
    if (!value)
      return;
    if (*value == "bind")
      out = workspace_mode::bind;
    else if (*value != "copy")
      complain(name, "must be \"copy\" or \"bind\"");
  }

  void hostname(const char* name, std::string& out) {
    auto* value = take(name);
    if (!value)
      return;
    if (value->is_string() && is_hostname(value->get<std::string>()))
      out = value->get<std::string>();
    else
      complain(name, "must be 1 to 63 of a-z, 0-9 and -");
  }

  void paths(const char* name, std::vector<std::string>& out) {
    auto* value = take(name);
    if (!value)
      return;
    if (!value->is_array() || value->size() > read_only_paths_max)
      return complain(name, "must be an array of at most "
                              + std::to_string(read_only_paths_max)
                              + " absolute paths");
    for (size_t i = 0; i < value->size(); ++i)
      path(name + ("/" + std::to_string(i)), (*value)[i], out);
  }

  void variables(const char* name, std::map<std::string, std::string>& out) {
    auto* value = take(name);
    if (!value)
      return;
    if (!value->is_object())
      return complain(name, "must be an object of strings");
    for (const auto& [key, text] : value->items()) {
      auto where = name + ("/" + key);
      if (!is_variable_name(key))
        complain(where, "is not a variable name");
      else if (!text.is_string() || has_nul(text.get<std::string>()))
        complain(where, "must be a string without NUL");
      else
        out.emplace(key, text.get<std::string>());
    }
  }

  /// Complains about what nobody took.
  std::vector<std::string> finish() && {
    if (source_.is_object())
      for (const auto& [key, value] : source_.items())
        if (std::find(known_.begin(), known_.end(), key) == known_.end())
          complain(key, "is not a known field");
    return std::move(errors_);
  }

private:
  void complain(const std::string& path, const std::string& reason) {
    errors_.push_back((path.empty() ? "config" : path) + ": " + reason);
  }

  const json* take(const char* name) {
    known_.emplace_back(name);
    if (!source_.is_object())
      return nullptr;
    auto pos = source_.find(name);
    return pos == source_.end() || pos->is_null() ? nullptr : &*pos;
  }

  void path(const std::string& where, const json& value,
            std::vector<std::string>& out) {
    if (!value.is_string() || has_nul(value.get<std::string>())
        || !value.get<std::string>().starts_with('/'))
      complain(where, "must be an absolute path");
    else
      out.push_back(value.get<std::string>());
  }

  const json& source_;
  std::vector<std::string_view> known_;
  std::vector<std::string> errors_;
};

} // namespace

std::string to_string(workspace_mode mode) {
  return mode == workspace_mode::bind ? "bind" : "copy";
}

config_check read_config(const json& source) {
  config_check out;
  auto& config = out.config;
  reader in{source};
  in.flag("network", config.network);
  in.flag("reuseLease", config.reuse_lease);
  config.timeout_ms = in.number("timeoutMs", timeout_min, timeout_max);
  in.workspace("workspaceMode", config.workspace);
  in.paths("readOnlyPaths", config.read_only_paths);
  in.variables("env", config.env);
  in.hostname("hostname", config.hostname);
  config.output_limit
    = in.number("outputLimitBytes", output_limit_min, output_limit_max)
        .value_or(output_limit_default);
  out.errors = std::move(in).finish();
  return out;
}

json to_json(const box_config& config) {
  json out{{"network", config.network},
           {"reuseLease", config.reuse_lease},
           {"workspaceMode", to_string(config.workspace)},
           {"readOnlyPaths", config.read_only_paths},
           {"env", config.env},
           {"outputLimitBytes", config.output_limit}};
  if (config.timeout_ms)
    out["timeoutMs"] = *config.timeout_ms;
  if (!config.hostname.empty())
    out["hostname"] = config.hostname;
  return out;
}

bool is_variable_name(const std::string& name) {
  return !name.empty() && name.find('=') == std::string::npos && !has_nul(name);
}

} // namespace leasehold::bubblewrap
