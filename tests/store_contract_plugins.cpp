// The contract of stores: plugins, what their leases need of them, engines.

#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"

namespace leasehold::test {

using namespace std::chrono_literals;

namespace {

plugin_row a_plugin(const std::string& id, const std::string& key) {
  plugin_row row;
  row.id = {id};
  row.key = key;
  row.version = "1.0.0";
  row.manifest = json_text{R"({"id":"acme.boxes"})"};
  row.command = {"run", "it \"well\""};
  row.env = {{"A", "b"}, {"C", ""}};
  return row;
}

plugin_row stored(tried_store& db, const std::string& id) {
  return db.ask<plugin_rows>(get_plugin{id}).rows.at(0);
}

/// Another status for a plugin.
plugin_row turned(tried_store& db, const std::string& id, plugin_status to) {
  auto row = stored(db, id);
  auto seen = row.updated_at;
  row.status = to;
  db.must(change_plugin{row, seen});
  return stored(db, id);
}

/// A lease whose resource this plugin's worker makes.
insert_lease lease_of(const lease_row& row, const plugin_row& plugin) {
  insert_lease out;
  out.row = row;
  out.plugin = {plugin.id, plugin.updated_at};
  return out;
}

void check_changes(const store_opener& open) {
  SECTION("a plugin is changed by whoever saw it last") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    auto before = stored(db, "plugin-1");
    auto next = before;
    next.status = plugin_status::upgrade_pending;
    next.package_name = "acme-boxes";
    next.package_path = "/opt/acme";
    next.pending = a_plugin("", "");
    next.pending->version = "2.0.0";
    next.pending->package_name = "acme-boxes";
    next.pending->config = json_text{R"({"region":"us"})"};
    next.config = json_text{R"({"region":"eu"})"};
    // No time has passed: it is later all the same.
    db.must(change_plugin{next, before.updated_at});
    db.reopen();
    auto after = stored(db, "plugin-1");
    CHECK(after.updated_at > before.updated_at);
    next.updated_at = after.updated_at;
    CHECK(after == next);
    auto why = db.must_not(change_plugin{before, before.updated_at});
    CHECK(why.code == ec::conflict);
    CHECK(why.message
          == "Plugin \"acme.boxes\" was changed by somebody else at this "
             "moment. Look at it and repeat what you asked for.");
    CHECK(stored(db, "plugin-1") == after);
    CHECK(
      db.must_not(change_plugin{a_plugin("plugin-2", "acme.caves"), {}}).message
      == "Plugin \"acme.caves\" not found.");
  }
  SECTION("a plugin keeps its config unless it is given another one") {
    tried_store db{open};
    auto row = a_plugin("plugin-1", "acme.boxes");
    auto config_after = [&](const std::string& text) {
      row.config.text = text;
      db.must(put_plugin{row});
      return stored(db, "plugin-1").config.text;
    };
    CHECK(config_after("") == "{}");
    CHECK(config_after(R"({"a":1})") == R"({"a":1})");
    CHECK(config_after("") == R"({"a":1})");
    auto changed_to = [&](const std::string& text) {
      auto now = stored(db, "plugin-1");
      now.config.text = text;
      db.must(change_plugin{now, now.updated_at});
      return stored(db, "plugin-1").config.text;
    };
    CHECK(changed_to("") == R"({"a":1})");
    CHECK(changed_to("{}") == "{}");
  }
}

void check_uses(const store_opener& open) {
  SECTION("a plugin stays while leases of its providers are held") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    db.must(lease_of(a_lease("lease-1"), stored(db, "plugin-1")));
    auto in_use = [&] {
      auto why = db.must_not(remove_plugin{{"plugin-1"}});
      CHECK(why.code == ec::in_use);
      CHECK(why.message
            == "Plugin \"acme.boxes\" is still held by 1 lease: acquiring, "
               "active, parked, retained, or owing a cleanup. List its leases "
               "to see them, and release or destroy them first.");
    };
    in_use();
    // Also one that takes no leases.
    turned(db, "plugin-1", plugin_status::disabled);
    in_use();
    db.must(end_lease{.lease = {{"lease-1"}, 0},
                      .from = {lease_status::active},
                      .cleanup = cleanup_status::failed});
    in_use();
    db.must(record_cleanup{.lease = {"lease-1"}});
    db.must(remove_plugin{{"plugin-1"}});
    CHECK(db.must_not(remove_plugin{{"plugin-1"}}).code == ec::unknown_plugin);
  }
  SECTION("a resource stays with its plugin, ready or not, whoever claims it") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    db.must(lease_of(a_holder("lease-1", "box-1"), stored(db, "plugin-1")));
    db.must(end_lease{.lease = {{"lease-1"}, 0},
                      .from = {lease_status::active},
                      .parked = true});
    turned(db, "plugin-1", plugin_status::disabled);
    auto by_name = a_holder("lease-2", "box-1", lease_status::acquiring);
    db.must(insert_lease{.row = by_name, .claims = {"lease-1"}});
    CHECK(db.must_not(remove_plugin{{"plugin-1"}}).code == ec::in_use);
    db.must(end_lease{.lease = {{"lease-2"}, 0},
                      .from = {lease_status::acquiring},
                      .cleanup = cleanup_status::success});
    db.must(remove_plugin{{"plugin-1"}});
  }
  SECTION("a lease needs its plugin as it was when the lease was planned") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    auto planned = stored(db, "plugin-1");
    auto refusal = [&](const insert_lease& what) {
      auto why = db.must_not(what);
      CHECK(why.code == ec::plugin_not_ready);
      return why.message;
    };
    auto ready = turned(db, "plugin-1", plugin_status::ready);
    CHECK(refusal(lease_of(a_lease("lease-1"), planned))
          == "Lease \"lease-1\" cannot be inserted: its plugin \"acme.boxes\" "
             "was changed at this moment. Try again.");
    auto off = turned(db, "plugin-1", plugin_status::disabled);
    CHECK(refusal(lease_of(a_lease("lease-1"), off))
          == "Lease \"lease-1\" cannot be inserted: its plugin \"acme.boxes\" "
             "is currently disabled.");
    ready = turned(db, "plugin-1", plugin_status::ready);
    db.must(lease_of(a_lease("lease-1"), ready));
    db.must(end_lease{.lease = {{"lease-1"}, 0},
                      .from = {lease_status::active},
                      .cleanup = cleanup_status::success});
    db.must(remove_plugin{{"plugin-1"}});
    CHECK(refusal(lease_of(a_lease("lease-2"), ready))
          == "Lease \"lease-2\" cannot be inserted: its plugin was removed at "
             "this moment.");
  }
  SECTION("one of a batch that needs a plugin disturbs no other") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    auto gone = a_plugin("plugin-2", "acme.caves");
    auto outcomes = db.apply(
      {lease_of(a_lease("lease-1"), stored(db, "plugin-1")),
       lease_of(a_lease("lease-2"), gone), insert_lease{a_lease("lease-3")}});
    CHECK(outcomes.at(0));
    CHECK(outcomes.at(1).error().code == ec::plugin_not_ready);
    CHECK(outcomes.at(2));
  }
  SECTION("two plugins may call their resources alike, one may not") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    db.must(put_plugin{a_plugin("plugin-2", "acme.caves")});
    auto first = stored(db, "plugin-1");
    db.must(lease_of(a_holder("lease-1", "box-1"), first));
    db.must(lease_of(a_holder("lease-2", "box-1"), stored(db, "plugin-2")));
    auto why = db.must_not(lease_of(a_holder("lease-3", "box-1"), first));
    CHECK(why.code == ec::conflict);
    CHECK(why.message.find("its resource is held by lease \"lease-1\".")
          != std::string::npos);
    // The same when the name is learned later.
    auto handle = db.must(
      lease_of(a_holder("lease-3", "", lease_status::acquiring), first));
    why = db.must_not(activate_lease{.lease = {{"lease-3"}, handle.fence},
                                     .resource = {"box-1"}});
    CHECK(why.message.find("its resource is held by lease \"lease-1\".")
          != std::string::npos);
  }
}

} // namespace

void check_plugins(const store_opener& open) {
  check_changes(open);
  check_uses(open);
  SECTION("a plugin is kept as it was given, and found by id or key") {
    tried_store db{open};
    auto row = a_plugin("plugin-1", "acme.boxes");
    row.last_error = "it crashed";
    row.package_name = "acme-boxes";
    row.package_path = "/opt/acme";
    row.config = json_text{R"({"region":"eu"})"};
    db.must(put_plugin{row});
    row.install_order = 1;
    row.installed_at = row.updated_at = db.now;
    db.reopen();
    CHECK(db.ask<plugin_rows>(get_plugin{"plugin-1"}).rows == std::vector{row});
    CHECK(db.ask<plugin_rows>(get_plugin{"acme.boxes"}).rows
          == std::vector{row});
    auto why = db.ask_in_vain(get_plugin{"nothing"});
    CHECK(why.code == ec::unknown_plugin);
    CHECK(why.message == "Plugin \"nothing\" not found.");
  }
  SECTION("a new version of a plugin keeps its id and its place") {
    tried_store db{open};
    db.must(put_plugin{a_plugin("plugin-1", "acme.boxes")});
    db.must(put_plugin{a_plugin("plugin-2", "acme.caves")});
    auto born = db.now;
    db.now.ms += 5;
    auto next = a_plugin("plugin-3", "acme.boxes");
    next.status = plugin_status::error;
    db.must(put_plugin{next});
    auto all = db.ask<plugin_rows>(list_plugins{}).rows;
    REQUIRE(all.size() == 2);
    CHECK(all[0].id == plugin_id{"plugin-1"});
    CHECK(all[0].status == plugin_status::error);
    CHECK(all[0].installed_at == born);
    CHECK(all[0].updated_at == db.now);
    CHECK(all[1].install_order > all[0].install_order);
    CHECK(db.must_not(put_plugin{a_plugin("plugin-1", "acme.other")}).code
          == ec::already_exists);
  }
  SECTION("an engine can be registered, and again") {
    tried_store db{open};
    db.must(register_instance{{.id = {"engine-1"}, .host = "here", .pid = 1}});
    db.must(register_instance{{.id = {"engine-1"}, .host = "here", .pid = 2}});
  }
}

// -- migrations ---------------------------------------------------------------

std::string rows_of_an_old_plugin(const std::string& schema) {
  return "INSERT INTO " + schema
         + "plugins (id, plugin_key, version, status, "
           "install_order, manifest_json, command, env, installed_at, "
           "updated_at) VALUES ('p-1', 'acme.boxes', '1.0.0', 'ready', 1, "
           "'{}', "
           "'[\"x\"]', '{}', 1, 1);"
           "INSERT INTO "
         + schema
         + "leases (id, status, lease_policy, provider, "
           "provider_lease_id, exclusive, fence, parked, fingerprint, "
           "metadata, "
           "acquired_at, last_used_at, updated_at) VALUES ('lease-1', "
           "'released', 'reuse_by_environment', 'boxes', 'box-1', true, 7, "
           "true, "
           "'boxes:abc', '{\"pluginId\":\"p-1\"}', 1, 1, 1);";
}

void check_old_plugin(store& db) {
  auto found = db.read(list_leases{.parked = true}).value();
  // It can be resumed by its plugin, and by no other.
  CHECK(std::get<lease_rows>(found).rows.at(0).fingerprint == "p-1/boxes:abc");
  std::vector<store_write> remove{remove_plugin{{"p-1"}}};
  CHECK(db.apply(remove).front().error().code == ec::in_use);
}

} // namespace leasehold::test
