// The engine's verbs on secrets. Values go in and never come out.

#include "actors/conversions.hpp"
#include "actors/engine_impl.hpp"
#include "drivers/scrubber.hpp"
#include "drivers/secret_refs.hpp"
#include "drivers/utf8.hpp"

#include <algorithm>
#include <utility>
#include <variant>

namespace leasehold {

namespace {

constexpr size_t value_max = 64u << 10;
constexpr size_t name_max = 200;

/// How often a rotation gives way to others.
constexpr int rotate_attempts = 5;

hidden_text hide(std::string x) {
  return {new std::string{std::move(x)}, [](std::string* text) {
            wipe(*text);
            delete text;
          }};
}

failure bad(const std::string& what) {
  return {ec::invalid_request, what, {}};
}

result<> check_value(const std::string& value) {
  if (value.empty())
    return bad("A secret's value cannot be empty.");
  if (value.size() > value_max)
    return failure{ec::too_large,
                   "A secret's value can have 64 KiB at most, not "
                     + std::to_string(value.size()) + " bytes.",
                   {}};
  if (to_utf8(value) != value)
    return bad("A secret's value must be UTF-8 text; encode bytes, as base64 "
               "for example.");
  return done{};
}

result<> check_name(const std::string& name) {
  auto is_control
    = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (name.empty())
    return bad("A secret needs a name.");
  if (name.size() > name_max || to_utf8(name) != name
      || std::any_of(name.begin(), name.end(), is_control))
    return bad("A secret's name can have 200 bytes at most, in UTF-8 and "
               "without control characters.");
  if (is_secret_id(name))
    return bad("A secret's name cannot look like an id: \"" + name + "\".");
  return done{};
}

std::vector<secret_info> joined(secret_rows rows,
                                const secret_binding_rows& bindings) {
  std::vector<secret_info> out;
  for (auto& row : rows.rows) {
    auto& x = out.emplace_back(to_public(std::move(row)));
    for (const auto& binding : bindings.rows)
      if (binding.secret.value == x.id)
        x.bindings.push_back(to_public(binding));
  }
  return out;
}

} // namespace

// -- shared steps -------------------------------------------------------------

void engine::impl::find_secret(const secret_name& which,
                               completion<secret_row> then) {
  query(get_secret{{which.company}, which.secret},
        converting<store_answer>(std::move(then), [](store_answer x) {
          return std::move(std::get<secret_rows>(x).rows.front());
        }));
}

void engine::impl::prepare_box(completion<done> then) {
  query(get_sealed_sample{},
        [this, then = std::move(then)](const result<store_answer>& x) {
          if (!x)
            return then(x.error());
          then(box->prepare(std::get<sealed_sample>(*x).row.sealed));
        });
}

void engine::impl::show_secret(const secret_name& which,
                               completion<secret_info> then) {
  auto add_bindings = [this, then](const result<secret_row>& row) {
    if (!row)
      return then(row.error());
    auto join = [row = *row](store_answer x) {
      auto all = joined({{row}}, std::get<secret_binding_rows>(x));
      return std::move(all.front());
    };
    query(list_secret_bindings{{}, row->id, {}},
          converting<store_answer>(then, join));
  };
  find_secret(which, std::move(add_bindings));
}

void engine::impl::write(store_write what, completion<done> then) {
  auto convert = [](const written&) { return done{}; };
  ask<written>(store, std::move(what),
               converting<written>(std::move(then), convert));
}

// -- values -------------------------------------------------------------------

std::future<result<secret_info>> engine::put_secret(new_secret what) {
  auto [then, future] = promised<secret_info>();
  auto* x = impl_.get();
  auto value = hide(std::exchange(what.value, {}));
  if (auto ok = check_name(what.name); !ok) {
    then(ok.error());
    return std::move(future);
  }
  if (auto ok = check_value(*value); !ok) {
    then(ok.error());
    return std::move(future);
  }
  leasehold::put_secret draft;
  draft.row.id = {x->with->make_id()};
  draft.row.company = {what.company};
  draft.row.name = std::move(what.name);
  draft.row.description = std::move(what.description);
  auto seal = [x, draft, value, then = then](const result<done>& ready) {
    if (!ready)
      return then(ready.error());
    auto& row = draft.row;
    auto text = x->box->seal({row.company, row.id, 1}, *value);
    if (!text)
      return then(text.error());
    secret_name which{row.id.value, row.company.value};
    auto show = [x, which, then](const result<done>& how) {
      return how ? x->show_secret(which, then) : then(how.error());
    };
    x->write(leasehold::put_secret{row, std::move(*text)}, std::move(show));
  };
  x->prepare_box(std::move(seal));
  return std::move(future);
}

std::future<result<secret_info>> engine::rotate_secret(secret_name which,
                                                       std::string value) {
  auto [then, future] = promised<secret_info>();
  auto* x = impl_.get();
  auto hidden = hide(std::move(value));
  if (auto ok = check_value(*hidden); !ok) {
    then(ok.error());
    return std::move(future);
  }
  auto go_on = [x, which, hidden, then = then](const result<done>& ready) {
    if (ready)
      x->add_version(which, hidden, rotate_attempts, then);
    else
      then(ready.error());
  };
  x->prepare_box(std::move(go_on));
  return std::move(future);
}

void engine::impl::add_version(secret_name which, hidden_text value,
                               int attempts, completion<secret_info> then) {
  auto ended = [this, which, value, attempts, then](const result<done>& how) {
    if (how)
      return show_secret(which, then);
    if (how.error().code == ec::conflict && attempts > 1)
      return add_version(which, value, attempts - 1, then);
    then(how.error());
  };
  auto seal = [this, value, then, ended](const result<secret_row>& row) {
    if (!row)
      return then(row.error());
    auto next = row->latest_version + 1;
    auto text = box->seal({row->company, row->id, next}, *value);
    if (!text)
      return then(text.error());
    write(add_secret_version{row->id, next, std::move(*text)}, ended);
  };
  find_secret(which, std::move(seal));
}

// -- bindings -----------------------------------------------------------------

void engine::impl::find_target(const secret_binding& what,
                               completion<secret_binding_row> then) {
  secret_binding_row out;
  out.company = {what.company};
  out.path = what.path;
  out.version = what.version;
  if (what.path.empty() || what.environment.empty() == what.plugin.empty())
    return then(bad("A binding needs an environment or a plugin, and the path "
                    "in its config."));
  if (!what.environment.empty())
    return find_row(what.environment,
                    converting<environment_row>(
                      std::move(then), [out](const environment_row& row) {
                        auto place = out;
                        place.target_id = row.id.value;
                        return place;
                      }));
  out.target = secret_target::plugin;
  query(get_plugin{what.plugin},
        converting<store_answer>(std::move(then), [out](store_answer x) {
          auto place = out;
          place.target_id = std::get<plugin_rows>(x).rows.front().id.value;
          return place;
        }));
}

std::future<result<done>> engine::bind_secret(secret_binding what) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  secret_name which{what.secret, what.company};
  auto bind = [x, which, then = then](const result<secret_binding_row>& place) {
    if (!place)
      return then(place.error());
    auto write = [x, place = *place, then](const result<secret_row>& row) {
      if (!row)
        return then(row.error());
      leasehold::bind_secret binding{place};
      binding.row.secret = row->id;
      x->write(std::move(binding), then);
    };
    x->find_secret(which, std::move(write));
  };
  x->find_target(what, std::move(bind));
  return std::move(future);
}

std::future<result<done>> engine::unbind_secret(secret_binding what) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  auto unbind = [x, then = then](const result<secret_binding_row>& place) {
    if (!place)
      return then(place.error());
    x->write(leasehold::unbind_secret{place->company, place->target,
                                      place->target_id, place->path},
             then);
  };
  x->find_target(what, std::move(unbind));
  return std::move(future);
}

// -- the rest -----------------------------------------------------------------

std::future<result<std::vector<secret_info>>>
engine::secrets(std::string company) {
  auto [then, future] = promised<std::vector<secret_info>>();
  auto* x = impl_.get();
  company_id whose{std::move(company)};
  auto add_bindings = [x, whose, then = then](result<store_answer> rows) {
    if (!rows)
      return then(rows.error());
    auto join = [rows = std::get<secret_rows>(*rows)](store_answer found) {
      return joined(rows, std::get<secret_binding_rows>(found));
    };
    x->query(list_secret_bindings{whose, {}, {}},
             converting<store_answer>(then, std::move(join)));
  };
  x->query(list_secrets{whose}, std::move(add_bindings));
  return std::move(future);
}

std::future<result<done>> engine::enable_secret(secret_name which, bool on,
                                                uint32_t version) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  auto turn = [x, on, version, then = then](const result<secret_row>& row) {
    if (!row)
      return then(row.error());
    if (version > 0)
      return x->write(
        set_secret_version_status{row->id, version,
                                  on ? secret_version_status::active
                                     : secret_version_status::disabled},
        then);
    auto status = on ? secret_status::active : secret_status::disabled;
    x->write(set_secret_status{row->id, status}, then);
  };
  x->find_secret(which, std::move(turn));
  return std::move(future);
}

std::future<result<done>> engine::remove_secret(secret_name which,
                                                bool forced) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  auto remove = [x, forced, then = then](const result<secret_row>& row) {
    if (!row)
      return then(row.error());
    x->write(leasehold::remove_secret{row->id, forced}, then);
  };
  x->find_secret(which, std::move(remove));
  return std::move(future);
}

} // namespace leasehold
