#pragma once

// Every verb with its options, as CLI11 is told about them.

#include "cli/arguments.hpp"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

namespace leasehold::cli {

/// The command line under construction: CLI11 writes into it.
struct draft {
  arguments result;
  std::vector<std::string> env_vars;
  std::string timeout;
  std::string ttl;
  std::string queue_timeout;
  std::string total_timeout;
  run_arguments run;
  env_add_arguments env_add;
  env_show_arguments env_show;
  env_remove_arguments env_remove;
  env_reset_arguments env_reset;
  plugin_add_arguments plugin_add;
  plugin_show_arguments plugin_show;
  plugin_drivers_arguments plugin_drivers;
  plugin_upgrade_arguments plugin_upgrade;
  plugin_disable_arguments plugin_disable;
  plugin_enable_arguments plugin_enable;
  plugin_remove_arguments plugin_remove;
  plugin_reset_arguments plugin_reset;
  plugin_test_arguments plugin_test;
  lease_list_arguments lease_list;
  lease_show_arguments lease_show;
  lease_release_arguments lease_release;
  lease_destroy_arguments lease_destroy;
  lease_retry_cleanup_arguments lease_retry_cleanup;
  lease_confirm_gone_arguments lease_confirm_gone;
  doctor_arguments doctor;
  probe_arguments probe;
  secret_put_arguments secret_put;
  secret_rotate_arguments secret_rotate;
  secret_list_arguments secret_list;
  secret_bind_arguments secret_bind;
  secret_unbind_arguments secret_unbind;
  secret_enable_arguments secret_enable;
  secret_disable_arguments secret_disable;
  secret_remove_arguments secret_remove;
};

/// Adds all verbs to `app`. Parsing then fills `to`; what follows `--`, times
/// and variables are left to the caller.
void add_verbs(CLI::App& app, draft& to);

} // namespace leasehold::cli
