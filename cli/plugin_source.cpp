#include "cli/plugin_source.hpp"

#include "cli/admin_commands.hpp"
#include "cli/npm_install.hpp"
#include "cli/plugin_folder.hpp"

#include <string_view>
#include <system_error>

namespace leasehold::cli {

namespace {

constexpr std::string_view npm_mark = "npm:";

bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

/// Whether somebody who writes this means a path.
bool looks_like_path(const std::string& x) {
  return x.starts_with('.') || x.starts_with('/') || x.starts_with('~');
}

/// A manifest and a command.
result<plugin_info> as_it_says(const plugin_offer_arguments& what) {
  auto manifest = read_text(what.manifest);
  if (!manifest)
    return manifest.error();
  plugin_info out;
  out.manifest = *manifest;
  out.command = what.command;
  return out;
}

result<plugin_info> from_source(const std::string& source,
                                const std::filesystem::path& data) {
  auto spec = npm_spec_of(source);
  return spec.empty() ? read_plugin_folder(source)
                      : install_npm_plugin(data, spec);
}

} // namespace

std::string npm_spec_of(const std::string& source) {
  if (source.starts_with(npm_mark))
    return source.substr(npm_mark.size());
  return looks_like_path(source) || is_folder(source) ? std::string{} : source;
}

result<plugin_info> offered_plugin(const plugin_offer_arguments& what,
                                   const std::filesystem::path& data) {
  auto config = read_option(what.config);
  if (!config)
    return config.error();
  auto plugin
    = what.source.empty() ? as_it_says(what) : from_source(what.source, data);
  if (plugin) {
    plugin->env = what.env;
    plugin->config = *config;
  }
  return plugin;
}

result<std::string> source_of(const plugin_info& plugin,
                              const std::filesystem::path& data) {
  if (is_npm_install(data, plugin))
    return std::string{npm_mark} + plugin.package_name + "@latest";
  if (!plugin.package_path.empty())
    return plugin.package_path;
  return failure{ec::invalid_request,
                 "Plugin \"" + plugin.key
                   + "\" came with a manifest and a command, so there is "
                     "nowhere to look for a later version. Give --manifest "
                     "FILE -- COMMAND, or a source."};
}

} // namespace leasehold::cli
