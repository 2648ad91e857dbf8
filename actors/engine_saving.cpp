// How an environment gets into the store: validated by its driver, and with ids
// where its config spelled secrets out (PB §2.3, §2.5).

#include "actors/engine_impl.hpp"
#include "drivers/secret_refs.hpp"

#include <utility>

namespace leasehold {

namespace {

/// The company of secrets that environments bring along.
company_id owner_of(const environment_row& row) {
  return context_of(row).company;
}

secret_row row_of(const environment_row& environment, const raw_secret& x,
                  const std::string& chance) {
  secret_row out;
  out.id = x.secret;
  out.company = owner_of(environment);
  out.name = environment_secret_name(environment.driver, environment.name,
                                     x.path, chance.substr(0, 8));
  out.description
    = "Secret for " + environment.name + " " + secret_field_of(x.path) + ".";
  out.made_for = environment.id;
  return out;
}

} // namespace

void engine::impl::secure_and_save(environment_row row, driver& with_driver,
                                   completion<environment_info> then) {
  auto place = context_of(row);
  auto go_on
    = [this, row, &with_driver, then](result<std::vector<std::string>> paths) {
        if (!paths)
          return then(paths.error());
        auto plain = collapse_refs(row.config, *paths);
        if (!plain)
          return then(plain.error());
        environment_draft draft{row, std::move(*paths)};
        draft.row.config = std::move(*plain);
        validate_draft(std::move(draft), with_driver, then);
      };
  with_driver.secret_paths(place, std::move(go_on));
}

void engine::impl::validate_draft(environment_draft draft, driver& with_driver,
                                  completion<environment_info> then) {
  auto place = context_of(draft.row);
  auto keep = [this, draft = std::move(draft), then](result<json_text> valid) {
    if (valid)
      return save_draft(draft, std::move(*valid), then);
    // Who refuses a config may quote it.
    scrubber clean{raw_secrets(draft.row.config, draft.paths)};
    then(clean.error(valid.error()));
  };
  with_driver.validate(place, std::move(keep));
}

void engine::impl::save_draft(const environment_draft& draft, json_text valid,
                              completion<environment_info> then) {
  auto row = draft.row;
  auto& given = draft.row.config;
  if (draft.paths.empty()) {
    row.config = std::move(valid);
    return save({std::move(row), {}, {}}, std::move(then));
  }
  auto values = raw_secrets(given, draft.paths);
  auto ids = keep_secret_ids(valid, given, draft.paths);
  auto secured = secure_config(ids, draft.paths, with->make_id);
  // What a worker fills in may repeat a value elsewhere.
  for (const auto& x : secured.raw)
    values.push_back(x.value);
  secured.config = scrubber{values}.added(secured.config, given);
  if (secured.raw.empty()) {
    row.config = std::move(secured.config);
    return save({std::move(row), {}, std::move(secured.uses)}, then);
  }
  auto seal = [this, row, secured, then](const result<done>& ready) {
    if (!ready)
      return then(ready.error());
    auto what = sealed(row, secured);
    if (!what)
      return then(what.error());
    save(std::move(*what), then);
  };
  prepare_box(std::move(seal));
}

result<put_environment> engine::impl::sealed(environment_row row,
                                             secured_config what) {
  leasehold::put_environment out;
  for (auto& x : what.raw) {
    auto& secret = out.secrets.emplace_back();
    secret.row = row_of(row, x, with->make_id());
    auto text = box->seal({secret.row.company, x.secret, 1}, x.value);
    wipe(x.value);
    if (!text)
      return text.error();
    secret.sealed = std::move(*text);
  }
  out.row = std::move(row);
  out.row.config = std::move(what.config);
  out.uses = std::move(what.uses);
  return out;
}

} // namespace leasehold
