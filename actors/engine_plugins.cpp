// The engine's verbs on plugins. What may become of one is decided by
// plugin_rules; here it is asked, stored and told.

#include "actors/engine_answers.hpp"
#include "drivers/instance_config.hpp"
#include "drivers/manifest.hpp"
#include "messages/json.hpp"

#include <algorithm>
#include <utility>

namespace leasehold {

namespace {

/// A plugin as somebody offers it, and what its manifest says.
struct checked_offer {
  plugin_offer what;
  plugin_manifest manifest;
};

/// The config that somebody gives a plugin; an empty text if they give none.
result<json_text> instance_config(const plugin_info& x,
                                  const json_text& manifest) {
  if (x.config.empty())
    return json_text{std::string{}};
  auto config = canonical_object(x.config, "The plugin's config");
  if (!config)
    return failure{ec::invalid_config, config.error().message,
                   config.error().detail};
  if (auto ok = check_instance_config(manifest, *config); !ok)
    return ok.error();
  return config;
}

/// Whether what a plugin is set to already suits what it is to become.
result<> check_kept_config(const plugin_row& now, const plugin_offer& next) {
  if (!next.config.text.empty() || now.config.text == "{}")
    return done{};
  return check_instance_config(next.manifest, now.config);
}

result<checked_offer> checked(plugin_info x) {
  auto text = canonical_object(x.manifest, "The plugin's manifest");
  if (!text)
    return text.error();
  auto manifest = accept_manifest(*text);
  if (!manifest)
    return manifest.error();
  if (x.command.empty() || x.command.front().empty())
    return failure{ec::invalid_request,
                   "Plugin \"" + manifest->key
                     + "\" needs the command that starts its worker."};
  auto config = instance_config(x, *text);
  if (!config)
    return config.error();
  plugin_offer what{manifest->version,         *text,
                    std::move(x.command),      std::move(x.env),
                    std::move(x.package_name), std::move(x.package_path),
                    std::move(*config)};
  return checked_offer{std::move(what), std::move(*manifest)};
}

std::vector<std::string> capabilities_of(const plugin_row& row) {
  auto manifest = parse_manifest(row.manifest);
  return manifest ? manifest->capabilities : std::vector<std::string>{};
}

/// Why a provider has nobody who serves it, by the drivers that there are.
failure not_served(const std::string& key, const drivers_surveyed& all) {
  for (const auto& x : all.drivers)
    if (x.key == key && x.kind == "sandbox_provider")
      return {ec::plugin_not_ready,
              "Sandbox provider \"" + key + "\" is installed via plugin \""
                + x.plugin_key + "\", but that plugin is currently "
                + to_string(x.status) + "."};
  return {ec::unknown_provider, "Sandbox provider \"" + key
                                  + "\" is not registered as a built-in "
                                    "provider and no matching plugin is "
                                    "available."};
}

} // namespace

void engine::impl::find_plugin_row(const std::string& key,
                                   completion<plugin_row> then) {
  query(get_plugin{key},
        converting<store_answer>(std::move(then), [](store_answer x) {
          return std::move(std::get<plugin_rows>(x).rows.front());
        }));
}

void engine::impl::publish_plugin(const std::string& key,
                                  completion<plugin_info> then) {
  find_plugin_row(key, [this, then](result<plugin_row> stored) {
    if (!stored)
      return then(stored.error());
    tell_from_outside(supervisor, plugin_changed{stored->id});
    then(to_public(std::move(*stored)));
  });
}

void engine::impl::install_plugin(plugin_row row,
                                  completion<plugin_info> then) {
  row.id = {with->make_id()};
  auto key = row.key;
  auto installed = [this, key, then](const result<written>& how) {
    if (how)
      publish_plugin(key, then);
    else
      then(how.error());
  };
  ask<written>(store, store_write{leasehold::put_plugin{std::move(row)}},
               std::move(installed));
}

void engine::impl::change_plugin(const std::string& key, plugin_question asked,
                                 completion<plugin_info> then, int attempts) {
  find_plugin_row(key, [this, key, asked = std::move(asked), then,
                        attempts](const result<plugin_row>& now) {
    if (!now)
      return then(now.error());
    auto what = asked(*now);
    auto next = what ? step(*now, *what) : result<plugin_row>{what.error()};
    if (!next)
      return then(next.error());
    if (*next == *now)
      return then(to_public(*next));
    auto changed
      = [this, key, asked, then, attempts](const result<written>& how) {
          if (how)
            publish_plugin(key, then);
          else if (how.error().code == ec::conflict && attempts > 1)
            change_plugin(key, asked, then, attempts - 1);
          else
            then(how.error());
        };
    leasehold::change_plugin write{std::move(*next), now->updated_at};
    ask<written>(store, store_write{std::move(write)}, std::move(changed));
  });
}

std::future<result<plugin_info>> engine::put_plugin(plugin_info what) {
  auto [then, future] = promised<plugin_info>();
  auto* x = impl_.get();
  auto offer = checked(std::move(what));
  if (!offer) {
    then(offer.error());
    return std::move(future);
  }
  auto key = offer->manifest.key;
  auto add = [](const plugin_offer& given) {
    return [given](const plugin_row& now) -> result<plugin_event::any> {
      if (auto ok = check_kept_config(now, given); !ok)
        return ok.error();
      return plugin_event::any{plugin_event::added{given}};
    };
  };
  auto put = [x, key, add, given = offer->what,
              then = std::move(then)](const result<plugin_row>& known) {
    if (known)
      return x->change_plugin(key, add(given), then);
    if (known.error().code != ec::unknown_plugin)
      return then(known.error());
    plugin_row row;
    row.key = key;
    row.status = plugin_status::installed;
    auto ready = step(row, plugin_event::added{given});
    x->install_plugin(std::move(*ready), then);
  };
  x->find_plugin_row(key, std::move(put));
  return std::move(future);
}

std::future<result<plugin_info>> engine::upgrade_plugin(std::string key,
                                                        plugin_info what) {
  auto [then, future] = promised<plugin_info>();
  auto offer = checked(std::move(what));
  if (!offer) {
    then(offer.error());
    return std::move(future);
  }
  auto upgrade
    = [given = *offer](const plugin_row& now) -> result<plugin_event::any> {
    if (given.manifest.key != now.key)
      return failure{ec::invalid_request,
                     "Plugin \"" + now.key
                       + "\" cannot be upgraded to another plugin: the "
                         "manifest is that of \""
                       + given.manifest.key + "\". Add that one instead."};
    if (auto ok = check_kept_config(now, given.what); !ok)
      return ok.error();
    return plugin_event::any{plugin_event::upgraded{
      given.what,
      more_than(capabilities_of(now), given.manifest.capabilities)}};
  };
  impl_->change_plugin(key, std::move(upgrade), std::move(then));
  return std::move(future);
}

std::future<result<plugin_info>> engine::disable_plugin(std::string key) {
  auto [then, future] = promised<plugin_info>();
  auto disable = [](const plugin_row&) -> result<plugin_event::any> {
    return plugin_event::any{plugin_event::disabled{}};
  };
  impl_->change_plugin(key, disable, std::move(then));
  return std::move(future);
}

std::future<result<plugin_info>> engine::enable_plugin(std::string key) {
  auto [then, future] = promised<plugin_info>();
  auto enable = [](const plugin_row&) -> result<plugin_event::any> {
    return plugin_event::any{plugin_event::enabled{}};
  };
  impl_->change_plugin(key, enable, std::move(then));
  return std::move(future);
}

std::future<result<std::vector<plugin_info>>> engine::plugins() {
  auto [then, future] = promised<std::vector<plugin_info>>();
  impl_->query(list_plugins{}, as_list<plugin_rows>(std::move(then)));
  return std::move(future);
}

std::future<result<plugin_info>> engine::find_plugin(std::string key) {
  auto [then, future] = promised<plugin_info>();
  impl_->query(get_plugin{std::move(key)},
               as_one<plugin_rows>(std::move(then)));
  return std::move(future);
}

std::future<result<done>> engine::remove_plugin(std::string key) {
  auto [then, future] = promised<done>();
  auto* x = impl_.get();
  auto remove = [x, then = std::move(then)](const result<plugin_row>& row) {
    if (!row)
      return then(row.error());
    x->ask<written>(x->store, store_write{leasehold::remove_plugin{row->id}},
                    announcing(x->supervisor, plugin_changed{row->id}, then));
  };
  x->find_plugin_row(key, std::move(remove));
  return std::move(future);
}

// -- their drivers ------------------------------------------------------------

std::future<result<std::vector<driver_info>>> engine::ready_drivers() {
  auto [then, future] = promised<std::vector<driver_info>>();
  auto list = [](drivers_surveyed all) {
    std::vector<driver_info> out;
    for (auto& x : all.drivers)
      if (x.status == plugin_status::ready)
        out.push_back(to_public(std::move(x)));
    return out;
  };
  impl_->ask<drivers_surveyed>(
    impl_->supervisor, survey_drivers{},
    converting<drivers_surveyed>(std::move(then), list));
  return std::move(future);
}

std::future<result<driver_info>> engine::find_provider(std::string driver_key) {
  auto [then, future] = promised<driver_info>();
  auto pick = [key = std::move(driver_key),
               then = std::move(then)](const result<drivers_surveyed>& all) {
    if (!all)
      return then(all.error());
    for (const auto& x : all->drivers)
      if (x.key == key && x.serves)
        return then(to_public(x));
    then(not_served(key, *all));
  };
  impl_->ask<drivers_surveyed>(impl_->supervisor, survey_drivers{},
                               std::move(pick));
  return std::move(future);
}

} // namespace leasehold
