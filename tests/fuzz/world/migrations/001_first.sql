create table m (a int);
