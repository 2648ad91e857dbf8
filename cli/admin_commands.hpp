#pragma once

// Everything but `run`: what is configured and what is recorded.

#include "cli/config_input.hpp"
#include "cli/session.hpp"

#include <map>
#include <string>

namespace leasehold::cli {

// Each answers with the program's exit code.

int perform(const env_add_arguments& what, const context& where);
int perform(const env_list_arguments& what, const context& where);
int perform(const env_show_arguments& what, const context& where);
int perform(const env_remove_arguments& what, const context& where);
int perform(const env_reset_arguments& what, const context& where);
int perform(const probe_arguments& what, const context& where);

int perform(const plugin_add_arguments& what, const context& where);
int perform(const plugin_list_arguments& what, const context& where);
int perform(const plugin_show_arguments& what, const context& where);
int perform(const plugin_drivers_arguments& what, const context& where);
int perform(const plugin_upgrade_arguments& what, const context& where);
int perform(const plugin_disable_arguments& what, const context& where);
int perform(const plugin_enable_arguments& what, const context& where);
int perform(const plugin_remove_arguments& what, const context& where);
int perform(const plugin_reset_arguments& what, const context& where);
int perform(const plugin_test_arguments& what, const context& where);

int perform(const lease_list_arguments& what, const context& where);
int perform(const lease_show_arguments& what, const context& where);
int perform(const lease_release_arguments& what, const context& where);
int perform(const lease_destroy_arguments& what, const context& where);

int perform(const lease_retry_cleanup_arguments& what, const context& where);
int perform(const lease_confirm_gone_arguments& what, const context& where);

int perform(const doctor_arguments& what, const context& where);

int perform(const version_arguments& what, const context& where);

int perform(const secret_put_arguments& what, const context& where);
int perform(const secret_rotate_arguments& what, const context& where);
int perform(const secret_list_arguments& what, const context& where);
int perform(const secret_bind_arguments& what, const context& where);
int perform(const secret_unbind_arguments& what, const context& where);
int perform(const secret_enable_arguments& what, const context& where);
int perform(const secret_disable_arguments& what, const context& where);
int perform(const secret_remove_arguments& what, const context& where);

// -- the parts that need no engine --------------------------------------------

/// What `env list`, `plugin list`, `lease list` and `lease show` print.
std::string environments_table(const std::vector<environment_info>& rows,
                               int64_t now_ms, bool colour);
std::string plugins_table(const std::vector<plugin_info>& rows, bool colour);
std::string drivers_table(const std::vector<driver_info>& rows, bool colour);
std::string plugin_fields(const plugin_info& x, bool colour);
std::string leases_table(const std::vector<lease_info>& rows, int64_t now_ms,
                         bool colour);
std::string lease_fields(const lease_info& x, int64_t now_ms, bool colour);
/// A JSON text, indented below a title.
std::string json_block(const std::string& title, const std::string& text,
                       bool colour);
/// What `doctor` prints.
std::string examination_text(const examination& x, bool colour);
/// `names` has names for the ids of environments and plugins.
std::string secrets_table(const std::vector<secret_info>& rows,
                          const std::map<std::string, std::string>& names,
                          int64_t now_ms, bool colour);
std::string history_table(const std::vector<history_line>& rows, bool colour);

} // namespace leasehold::cli
