// The contract of stores: secrets, their versions and bindings, and what was
// done with them.

#include "tests/store_contract.hpp"
#include "tests/support/catch.hpp"

namespace leasehold::test {

using texts = std::vector<std::string>;

namespace {

put_secret a_secret(const std::string& id, const std::string& name,
                    const std::string& company = "acme") {
  put_secret x;
  x.row.id = {id};
  x.row.company = {company};
  x.row.name = name;
  x.sealed = "sealed " + id + " 1";
  return x;
}

bind_secret a_binding(const std::string& secret, const std::string& path,
                      uint32_t version = 0) {
  bind_secret x;
  x.row.company = {"acme"};
  x.row.secret = {secret};
  x.row.target_id = "env-1";
  x.row.path = path;
  x.row.version = version;
  return x;
}

secret_request a_request(const std::string& secret, const std::string& path,
                         uint32_t version = 0) {
  secret_request x;
  x.secret = {secret};
  x.company = {"acme"};
  x.environment = {"env-1"};
  x.path = path;
  x.version = version;
  return x;
}

secret_facts facts(tried_store& db, const secret_request& x) {
  auto all = db.ask<secret_fact_rows>(find_secrets{{x}}).rows;
  REQUIRE(all.size() == 1);
  return all.front();
}

texts names(tried_store& db, const std::string& company = {}) {
  texts all;
  for (const auto& row : db.ask<secret_rows>(list_secrets{{company}}).rows)
    all.push_back(row.company.value + "/" + row.name);
  return all;
}

/// Every binding as `path: secret@version`.
texts bindings(tried_store& db, const list_secret_bindings& which = {}) {
  texts all;
  for (const auto& x : db.ask<secret_binding_rows>(which).rows)
    all.push_back(x.path + ": " + x.secret.value + "@"
                  + std::to_string(x.version));
  return all;
}

put_environment with_uses(std::vector<secret_use> uses,
                          std::vector<put_secret> secrets = {}) {
  return {{.id = {"env-1"}, .name = "box", .description = {}, .driver = "x"},
          std::move(secrets),
          std::move(uses)};
}

put_secret made_for(put_secret x, const std::string& environment) {
  x.row.made_for = {environment};
  return x;
}

} // namespace

// -- secrets and versions -----------------------------------------------------

namespace {

void check_versions(const store_opener& open) {
  SECTION("a new version is the latest; earlier ones stay") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.now.ms += 5;
    db.must(add_secret_version{{"s-1"}, 2, "sealed s-1 2"});
    auto latest = facts(db, a_request("s-1", "a"));
    CHECK(latest.secret->latest_version == 2);
    CHECK(latest.secret->updated_at == db.now);
    CHECK(latest.version
          == secret_version_row{
            {"s-1"}, 2, secret_version_status::active, "sealed s-1 2", db.now});
    CHECK(facts(db, a_request("s-1", "a", 1)).version->sealed
          == "sealed s-1 1");
    CHECK_FALSE(facts(db, a_request("s-1", "a", 3)).version);
  }
  SECTION("a version is the next one, or it is not added") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    for (auto version : {0u, 1u, 3u}) {
      auto why = db.must_not(add_secret_version{{"s-1"}, version, "x"});
      CHECK(why.code == ec::conflict);
      CHECK(why.message
            == "Secret \"key\" cannot get version " + std::to_string(version)
                 + ": its latest is 1.");
    }
    CHECK(db.must_not(add_secret_version{{"s-2"}, 1, "x"}).code
          == ec::unknown_secret);
  }
  SECTION("a secret and each version can be turned off and on") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(set_secret_status{{"s-1"}, secret_status::disabled});
    db.must(
      set_secret_version_status{{"s-1"}, 1, secret_version_status::disabled});
    auto off = facts(db, a_request("s-1", "a"));
    CHECK(off.secret->status == secret_status::disabled);
    CHECK(off.version->status == secret_version_status::disabled);
    db.must(set_secret_status{{"s-1"}, secret_status::active});
    db.must(
      set_secret_version_status{{"s-1"}, 1, secret_version_status::active});
    auto on = facts(db, a_request("s-1", "a"));
    CHECK(on.secret->status == secret_status::active);
    CHECK(on.version->status == secret_version_status::active);
    CHECK(on.version->sealed == "sealed s-1 1");
  }
  SECTION("a destroyed version is gone for good, and the record says so") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    set_secret_version_status end{{"s-1"}, 1, secret_version_status::destroyed};
    db.must(end);
    auto left = facts(db, a_request("s-1", "a")).version;
    REQUIRE(left);
    CHECK(left->status == secret_version_status::destroyed);
    CHECK(left->sealed.empty());
    end.status = secret_version_status::active;
    CHECK(db.must_not(end).code == ec::conflict);
    CHECK(db.ask<sealed_sample>(get_sealed_sample{}).row.sealed.empty());
  }
  SECTION("what is not there cannot be turned off") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    CHECK(db.must_not(set_secret_status{{"s-2"}}).code == ec::unknown_secret);
    CHECK(db.must_not(set_secret_version_status{{"s-1"}, 2}).message
          == "Secret \"s-1\" has no version 2.");
  }
}

} // namespace

void check_secrets(const store_opener& open) {
  check_versions(open);
  SECTION("a secret is kept as it was given, and found by id or name") {
    tried_store db{open};
    auto given = made_for(a_secret("s-1", "key"), "env-1");
    given.row.description = "for the api";
    given.row.provider = "local";
    db.must(given);
    auto row = given.row;
    row.latest_version = 1;
    row.created_at = row.updated_at = db.now;
    db.reopen();
    for (auto which : {"s-1", "key"})
      CHECK(db.ask<secret_rows>(get_secret{{"acme"}, which}).rows
            == std::vector{row});
    CHECK(facts(db, a_request("s-1", "a")).secret == row);
  }
  SECTION("a name is given once per company, and an id once") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    auto why = db.must_not(a_secret("s-2", "key"));
    CHECK(why.code == ec::already_exists);
    CHECK(why.message
          == "Company \"acme\" has a secret named \"key\" already.");
    CHECK(db.must_not(a_secret("s-1", "other")).code == ec::already_exists);
    db.must(a_secret("s-2", "key", "umbrella"));
    db.must(a_secret("s-3", "a"));
    CHECK(names(db) == texts{"acme/a", "acme/key", "umbrella/key"});
    CHECK(names(db, "acme") == texts{"acme/a", "acme/key"});
    CHECK(names(db, "nobody").empty());
  }
  SECTION("a secret without id, company or name is refused alone") {
    tried_store db{open};
    auto outcomes = db.apply({a_secret("", "a"), a_secret("s-1", ""),
                              a_secret("s-2", "b", ""), a_secret("s-3", "c")});
    CHECK(outcomes[0].error().code == ec::invalid_request);
    CHECK(outcomes[1].error().code == ec::invalid_request);
    CHECK(outcomes[2].error().code == ec::invalid_request);
    CHECK(outcomes[3].has_value());
  }
  SECTION("another company's secret is not found by name, nor by id") {
    tried_store db{open};
    db.must(a_secret("s-1", "key", "umbrella"));
    for (auto which : {"s-1", "key"}) {
      auto why = db.ask_in_vain(get_secret{{"acme"}, which});
      CHECK(why.code == ec::unknown_secret);
      CHECK(why.message
            == "Secret \"" + std::string{which}
                 + "\" of company \"acme\" not found.");
    }
    // The rules tell apart what does not exist and what is somebody else's.
    CHECK(facts(db, a_request("s-1", "a")).secret->company
          == company_id{"umbrella"});
  }
  SECTION("facts come in the order of the requests, gaps included") {
    tried_store db{open};
    db.must(a_secret("s-1", "a"));
    db.must(a_secret("s-2", "b"));
    auto all = db.ask<secret_fact_rows>(
                   find_secrets{{a_request("s-2", "a"), a_request("no", "a"),
                                 a_request("s-1", "a")}})
                 .rows;
    REQUIRE(all.size() == 3);
    CHECK(all[0].secret->name == "b");
    CHECK_FALSE(all[1].secret);
    CHECK(all[2].secret->name == "a");
    CHECK(db.ask<secret_fact_rows>(find_secrets{}).rows.empty());
  }
  SECTION("a removed secret is gone with its versions") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(add_secret_version{{"s-1"}, 2, "x"});
    db.must(remove_secret{{"s-1"}});
    CHECK_FALSE(facts(db, a_request("s-1", "a")).secret);
    CHECK(db.ask<sealed_sample>(get_sealed_sample{}).row.sealed.empty());
    CHECK(db.must_not(remove_secret{{"s-1"}}).code == ec::unknown_secret);
    db.must(a_secret("s-1", "key"));
    CHECK_FALSE(facts(db, a_request("s-1", "a", 2)).version);
  }
  SECTION("a sample of what is sealed says whose it is") {
    tried_store db{open};
    CHECK(db.ask<sealed_sample>(get_sealed_sample{}).row.sealed.empty());
    db.must(a_secret("s-1", "key"));
    auto sample = db.ask<sealed_sample>(get_sealed_sample{});
    CHECK(sample.row.sealed == "sealed s-1 1");
    CHECK(sample.row.secret == secret_id{"s-1"});
    CHECK(sample.row.version == 1);
    CHECK(sample.company == company_id{"acme"});
  }
  SECTION("accesses stay on record, latest first, whatever happens") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    secret_access_row row{
      {},      {"acme"}, {"s-1"},      1,         secret_target::environment,
      "env-1", "apiKey", {"engine-1"}, "resolved"};
    auto other = row;
    other.secret = {"s-2"};
    other.version = 0;
    other.outcome = "unknown_secret";
    auto later = row;
    later.outcome = "secret_unusable";
    db.must(record_secret_access{{row, other}});
    row.at = db.now;
    db.now.ms += 5;
    db.must(record_secret_access{{later}});
    later.at = db.now;
    db.must(remove_secret{{"s-1"}});
    db.reopen();
    CHECK(db.ask<secret_access_rows>(list_secret_accesses{{"s-1"}}).rows
          == std::vector{later, row});
    CHECK(db.ask<secret_access_rows>(list_secret_accesses{{"s-1"}, 1}).rows
          == std::vector{later});
    CHECK(db.ask<secret_access_rows>(list_secret_accesses{{"s-2"}}).rows.size()
          == 1);
  }
}

// -- bindings -----------------------------------------------------------------

void check_secret_bindings(const store_opener& open) {
  SECTION("a binding is found by secret, place and company together") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_secret("s-2", "other"));
    db.must(a_binding("s-1", "apiKey"));
    auto bound = facts(db, a_request("s-1", "apiKey")).binding;
    REQUIRE(bound);
    CHECK(*bound
          == secret_binding_row{{"acme"},
                                {"s-1"},
                                secret_target::environment,
                                "env-1",
                                "apiKey",
                                0,
                                db.now});
    CHECK_FALSE(facts(db, a_request("s-1", "other")).binding);
    CHECK_FALSE(facts(db, a_request("s-2", "apiKey")).binding);
    auto elsewhere = a_request("s-1", "apiKey");
    elsewhere.environment = {"env-2"};
    CHECK_FALSE(facts(db, elsewhere).binding);
    auto somebody = a_request("s-1", "apiKey");
    somebody.company = {"umbrella"};
    CHECK_FALSE(facts(db, somebody).binding);
    auto plugin = a_request("s-1", "apiKey");
    plugin.plugin = {"env-1"};
    CHECK_FALSE(facts(db, plugin).binding);
  }
  SECTION("one secret stands at a place: the next one replaces it") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_secret("s-2", "other"));
    db.must(a_binding("s-1", "apiKey"));
    db.must(a_binding("s-2", "apiKey", 1));
    CHECK(bindings(db) == texts{"apiKey: s-2@1"});
  }
  SECTION("a binding's version counts, unless the request names one") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    for (auto version : {2u, 3u})
      db.must(add_secret_version{{"s-1"}, version, "x"});
    db.must(a_binding("s-1", "apiKey", 2));
    CHECK(facts(db, a_request("s-1", "apiKey")).version->version == 2);
    CHECK(facts(db, a_request("s-1", "apiKey", 1)).version->version == 1);
    CHECK(facts(db, a_request("s-1", "elsewhere")).version->version == 3);
  }
  SECTION("only what exists is bound, and only in its own company") {
    tried_store db{open};
    db.must(a_secret("s-1", "key", "umbrella"));
    db.must(a_secret("s-2", "other"));
    auto why = db.must_not(a_binding("s-1", "apiKey"));
    CHECK(why.code == ec::secret_unusable);
    CHECK(why.message == "Secret must belong to same company");
    CHECK(db.must_not(a_binding("s-3", "apiKey")).code == ec::unknown_secret);
    CHECK(db.must_not(a_binding("s-2", "apiKey", 7)).message
          == "Secret \"s-2\" has no version 7.");
    CHECK(db.must_not(a_binding("s-2", "")).code == ec::invalid_request);
    CHECK(bindings(db).empty());
  }
  SECTION("what is unbound is not bound any more") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_binding("s-1", "apiKey"));
    unbind_secret end{{"acme"}, secret_target::environment, "env-1", "apiKey"};
    db.must(end);
    CHECK(bindings(db).empty());
    auto why = db.must_not(end);
    CHECK(why.code == ec::binding_missing);
    CHECK(why.message == "No secret is bound to environment:env-1 at apiKey.");
  }
  SECTION("bindings are listed by what is asked for") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_secret("s-2", "other"));
    db.must(a_binding("s-1", "b"));
    db.must(a_binding("s-2", "a"));
    auto plugin = a_binding("s-1", "p");
    plugin.row.target = secret_target::plugin;
    plugin.row.target_id = "plugin-1";
    db.must(plugin);
    CHECK(bindings(db) == texts{"a: s-2@0", "b: s-1@0", "p: s-1@0"});
    CHECK(bindings(db, {.secret = {"s-1"}}) == texts{"b: s-1@0", "p: s-1@0"});
    CHECK(bindings(db, {.target_id = "env-1"})
          == texts{"a: s-2@0", "b: s-1@0"});
    CHECK(bindings(db, {.company = {"umbrella"}}).empty());
  }
  SECTION("a secret stays while it is bound, unless it is forced") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_binding("s-1", "a"));
    db.must(a_binding("s-1", "b"));
    auto why = db.must_not(remove_secret{{"s-1"}});
    CHECK(why.code == ec::in_use);
    CHECK(why.message
          == "Secret \"key\" is bound to environment:env-1 at a, "
             "environment:env-1 at b. Unbind it there first, or force it.");
    db.must(remove_secret{{"s-1"}, true});
    CHECK(bindings(db).empty());
  }
  SECTION("a removed plugin takes its bindings along") {
    tried_store db{open};
    plugin_row row;
    row.id = {"plugin-1"};
    row.key = "acme.boxes";
    db.must(put_plugin{row});
    db.must(a_secret("s-1", "key"));
    auto plugin = a_binding("s-1", "p");
    plugin.row.target = secret_target::plugin;
    plugin.row.target_id = "plugin-1";
    db.must(plugin);
    db.must(remove_plugin{{"plugin-1"}});
    CHECK(bindings(db).empty());
    CHECK(names(db) == texts{"acme/key"});
  }
}

// -- with their environments --------------------------------------------------

void check_secrets_of_environments(const store_opener& open) {
  SECTION("an environment brings its secrets and bindings along") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(with_uses({{"apiKey", {"s-1"}}, {"auth.token", {"s-2"}}},
                      {made_for(a_secret("s-2", "token"), "env-1")}));
    CHECK(bindings(db) == texts{"apiKey: s-1@0", "auth.token: s-2@0"});
  }
  SECTION("the binding is in the company of its secret") {
    tried_store db{open};
    db.must(a_secret("s-1", "key", "umbrella"));
    db.must(with_uses({{"apiKey", {"s-1"}}}));
    CHECK(bindings(db, {.company = {"umbrella"}}) == texts{"apiKey: s-1@0"});
    db.must(a_secret("s-2", "key"));
    db.must(with_uses({{"apiKey", {"s-2"}}}));
    CHECK(bindings(db) == texts{"apiKey: s-2@0"});
  }
  SECTION("the same secret keeps the version that its binding selects") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_binding("s-1", "apiKey", 1));
    db.must(with_uses({{"apiKey", {"s-1"}}}));
    CHECK(bindings(db) == texts{"apiKey: s-1@1"});
  }
  SECTION("a use without a secret unbinds; other paths stay") {
    tried_store db{open};
    db.must(a_secret("s-1", "key"));
    db.must(a_binding("s-1", "a"));
    db.must(a_binding("s-1", "b"));
    db.must(with_uses({{"a", {}}}));
    CHECK(bindings(db) == texts{"b: s-1@0"});
  }
  SECTION("an environment that names no secret that exists is not saved") {
    tried_store db{open};
    auto given = with_uses({{"a", {"s-1"}}, {"b", {"s-9"}}},
                           {made_for(a_secret("s-1", "key"), "env-1")});
    given.row.description = "new";
    auto why = db.must_not(given);
    CHECK(why.code == ec::unknown_secret);
    CHECK(why.message == "Secret not found");
    CHECK(why.detail
          == "There is no secret \"s-9\", which the config names at b.");
    CHECK(names(db).empty());
    CHECK(bindings(db).empty());
    CHECK(db.ask<environment_rows>(get_environment{"box"})
            .rows.at(0)
            .description.empty());
  }
  SECTION("an environment whose name is taken leaves no secret behind") {
    tried_store db{open};
    put_environment given{{.id = {"env-2"}, .name = "box"},
                          {a_secret("s-1", "key")},
                          {{"a", {"s-1"}}}};
    CHECK(db.must_not(given).code == ec::already_exists);
    CHECK(names(db).empty());
  }
  SECTION("a removed environment takes its bindings and own secrets along") {
    tried_store db{open};
    db.must(put_environment{{.id = {"env-2"}, .name = "cave"}});
    db.must(a_secret("s-1", "key"));
    db.must(with_uses({{"a", {"s-1"}}, {"b", {"s-2"}}, {"c", {"s-3"}}},
                      {made_for(a_secret("s-2", "own"), "env-1"),
                       made_for(a_secret("s-3", "shared"), "env-1"),
                       made_for(a_secret("s-4", "replaced"), "env-1")}));
    auto elsewhere = a_binding("s-3", "c");
    elsewhere.row.target_id = "env-2";
    db.must(elsewhere);
    db.must(remove_environment{{"env-1"}});
    CHECK(names(db) == texts{"acme/key", "acme/shared"});
    CHECK(bindings(db) == texts{"c: s-3@0"});
    // Nobody's any more: it stays when the other environment goes.
    db.must(remove_environment{{"env-2"}});
    CHECK(names(db) == texts{"acme/key", "acme/shared"});
  }
  SECTION("an environment that stays keeps everything") {
    tried_store db{open};
    db.must(
      with_uses({{"a", {"s-1"}}}, {made_for(a_secret("s-1", "own"), "env-1")}));
    db.grant(a_lease("lease-1"));
    CHECK(db.must_not(remove_environment{{"env-1"}}).code == ec::in_use);
    CHECK(bindings(db) == texts{"a: s-1@0"});
  }
}

} // namespace leasehold::test
