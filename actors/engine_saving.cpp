// How an environment gets into the store: validated by its driver, and with ids
// where its config spelled secrets out (PB §2.3, §2.5).

#include "actors/engine_impl.hpp"
#include "drivers/admission_config.hpp"
#include "drivers/scrubber.hpp"
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
  auto field = x.name.empty() ? x.path : x.name;
  out.name = environment_secret_name(environment.driver, environment.name,
                                     field, chance.substr(0, 8));
  out.description
    = "Secret for " + environment.name + " " + secret_field_of(field) + ".";
  out.made_for = environment.id;
  return out;
}

/// Every value that the config of a draft had.
std::vector<std::string> values_of(const environment_draft& x) {
  auto out = raw_secrets(x.row.config, x.paths);
  for (const auto& secret : x.taken)
    out.push_back(secret.value);
  return out;
}

/// What a validated config becomes in the store.
secured_config secured(const environment_draft& draft, const json_text& valid,
                       const std::function<std::string()>& make_id) {
  auto& given = draft.row.config;
  auto ids = keep_secret_ids(valid, given, draft.paths);
  auto out = secure_config(ids, draft.paths, make_id);
  out.raw.insert(out.raw.end(), draft.taken.begin(), draft.taken.end());
  out.uses.insert(out.uses.end(), draft.uses.begin(), draft.uses.end());
  // What a worker filled in may repeat a value elsewhere.
  auto values = values_of(draft);
  for (const auto& x : out.raw)
    values.push_back(x.value);
  out.config = scrubber{values}.added(out.config, given);
  return out;
}

} // namespace

void engine::impl::secure_and_save(environment_row row, driver& with_driver,
                                   completion<environment_info> then) {
  if (auto limits = admission_of(row.config, {}); !limits)
    return then(limits.error());
  // The driver knows nothing of it; it is put back when all else is valid.
  environment_draft draft{std::move(row)};
  draft.admission = draft.row.config;
  draft.row.config = without_admission(draft.row.config);
  auto fields = secure_fields(draft.row.config, with_driver.secret_fields(),
                              with->make_id);
  draft.row.config = std::move(fields.config);
  draft.taken = std::move(fields.raw);
  draft.uses = std::move(fields.uses);
  auto place = context_of(draft.row);
  auto go_on = [this, draft, &with_driver,
                then](result<std::vector<std::string>> paths) mutable {
    if (!paths)
      return then(paths.error());
    auto plain = collapse_refs(draft.row.config, *paths);
    if (!plain)
      return then(plain.error());
    draft.paths = std::move(*paths);
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
      return save_draft(draft, *valid, then);
    // Who refuses a config may quote it.
    scrubber clean{values_of(draft)};
    then(clean.error(valid.error()));
  };
  with_driver.validate(place, std::move(keep));
}

void engine::impl::save_draft(const environment_draft& draft,
                              const json_text& valid,
                              completion<environment_info> then) {
  auto row = draft.row;
  auto safe = secured(draft, valid, with->make_id);
  safe.config = with_admission(safe.config, draft.admission);
  if (safe.raw.empty()) {
    row.config = std::move(safe.config);
    return save({std::move(row), {}, std::move(safe.uses)}, std::move(then));
  }
  auto seal = [this, row, safe, then](const result<done>& ready) {
    if (!ready)
      return then(ready.error());
    auto what = sealed(row, safe);
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
