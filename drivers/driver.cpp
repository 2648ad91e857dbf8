#include "drivers/driver.hpp"

namespace leasehold {

void driver::secret_paths(const environment_context&,
                          completion<std::vector<std::string>> then) {
  then(std::vector<std::string>{});
}

std::vector<secret_field> driver::secret_fields() const {
  return {};
}

void driver::acquire(acquire_resource, completion<resource_ready> then) {
  then(unsupported("lease acquire"));
}

void driver::resume(resume_resource, completion<resource_ready> then) {
  then(unsupported("lease resume"));
}

void driver::release(release_resource, completion<> then) {
  then(unsupported("lease release"));
}

void driver::destroy(destroy_resource, completion<> then) {
  then(unsupported("lease destroy"));
}

void driver::realize(place_workspace, completion<workspace_realized> then) {
  then(unsupported("workspace realization"));
}

void driver::execute(run_command, std::shared_ptr<output_sink>,
                     completion<command_result> then) {
  then(unsupported("command execution"));
}

void driver::cancel(const lease_context&, const execution_id&) {
  // nop
}

void driver::list(const lease_context&,
                  completion<std::vector<listed_resource>> then) {
  then(unsupported("resource listing"));
}

failure driver::unsupported(std::string_view what) const {
  auto text = "Environment driver \"" + std::string{key()}
              + "\" does not support " + std::string{what} + ".";
  return {ec::not_supported, std::move(text)};
}

} // namespace leasehold
