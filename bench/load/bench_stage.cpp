// What a scenario is given: databases, paths, and somebody who takes figures.

#include "bench/load/scenario.hpp"

#include <libpq-fe.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <utility>

namespace leasehold::bench {

namespace {

std::string url_of(const std::string& folder, const std::string& database) {
  return "postgresql://postgres@/" + database + "?host=" + folder;
}

void make_database(const std::string& folder, const std::string& name) {
  auto* db = PQconnectdb(url_of(folder, "postgres").c_str());
  auto* how = PQexec(db, ("CREATE DATABASE " + name).c_str());
  auto fine = PQresultStatus(how) == PGRES_COMMAND_OK;
  std::string why = PQerrorMessage(db);
  PQclear(how);
  PQfinish(db);
  if (!fine)
    throw std::runtime_error{"cannot make a database: " + why};
}

} // namespace

stage::stage(settings how) : how_{std::move(how)} {
  // nop
}

store_place stage::fresh_store(const std::string& kind) {
  if (kind == "sqlite") {
    // In a folder of its own: what lies beside it belongs to it.
    auto folder = fresh_path("store");
    std::filesystem::create_directories(folder);
    return {kind, folder + "/leasehold.db"};
  }
  auto name
    = "bench_" + std::to_string(++last_) + "_" + std::to_string(getpid());
  make_database(how_.postgres_folder, name);
  return {kind, url_of(how_.postgres_folder, name)};
}

std::string stage::fresh_path(const std::string& name) {
  return how_.folder + "/" + name + "-" + std::to_string(++last_);
}

usage_meter stage::watch() const {
  if (how_.postgres > 0)
    return usage_meter{{how_.postgres}};
  return usage_meter{};
}

void stage::add(figure x) {
  std::fprintf(stderr, "   %s\n", to_line(x).c_str());
  figures_.push_back(std::move(x));
}

} // namespace leasehold::bench
