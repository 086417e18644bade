module icws_exporter/ci/tools/wine

go 1.26
